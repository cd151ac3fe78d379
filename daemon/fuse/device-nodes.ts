// The node provider of the erofs driver: the devices of an image. The kernel's EROFS opens each once, when it is mounted, and is
// told then whether what it reads of it is to be kept in memory as pages of the device, besides EROFS's own.

import type { DeviceReader, InodeAttributes } from '../../image/index.ts';
import { clearWords } from './attributes.ts';
import type { RequestDevice } from './device.ts';
import type { Answer, NodeProvider } from './nodes.ts';
import { Op, OpenFlag, OpenOut, OutHeader } from './protocol.ts';

const BODY = OutHeader.WORDS;

export class DeviceNodes implements NodeProvider {
  readonly rootNid: number;
  readonly hasXattrs: boolean;
  readonly #reader: DeviceReader;
  readonly #device: Pick<RequestDevice, 'reply'>;

  /** `device`: where the requests come from and the answers go. */
  constructor(reader: DeviceReader, device: Pick<RequestDevice, 'reply'>) {
    this.rootNid = reader.rootNid;
    this.hasXattrs = reader.hasXattrs;
    this.#reader = reader;
    this.#device = device;
  }

  lookup(dirNid: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#reader.lookup(dirNid, bytes, start, end);
  }

  stat(nid: number, out: InodeAttributes): void {
    this.#reader.stat(nid, out);
  }

  answer(operation: number, nid: number): Answer | undefined {
    if (operation === Op.OPEN) return this.#open(nid);
    return operation === Op.RELEASE ? 0 : undefined; // nothing was opened here
  }

  /** Not ENOSYS as for files: the kernel would not ask about the next device. */
  #open(nid: number): Answer {
    const { reply } = this.#device;
    clearWords(reply, BODY, BODY + OpenOut.WORDS);
    reply[BODY + OpenOut.FLAGS] = this.#reader.isStraight(nid) ? OpenFlag.DIRECT_IO : OpenFlag.KEEP_CACHE;
    return OpenOut.BYTES;
  }
}
