// How one image is shown to the kernel's EROFS: the bootstrap as a file and each device as one that the daemon exports; or,
// over a loop device, all of it as one exported file.

import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createChunkMap, type ErofsBacking, fromSystemError } from '../core/index.ts';
import { type BootstrapReader, DeviceReader, FlatReader } from '../image/index.ts';
import type { ChosenDriver } from './driver-choice.ts';
import type { ServedImage } from './fuse/messages.ts';
import type { SharedBlob } from './fuse/read-server.ts';
import type { MountSteps } from './mount/helper-client.ts';
import { type ErofsDevice, LOOP_DIRECTORY } from './mount/helper-protocol.ts';
import { type MountRecord, mountSource } from './state-dir.ts';

export interface ErofsPlace {
  readonly backing: ErofsBacking;
  /** Where the bootstrap lies, by the name of the source that the mount table shows. */
  readonly directory: string;
  readonly source: string;
}

type ErofsOrder = Omit<Parameters<MountSteps['mountErofs']>[0], 'readaheadBytes'>;

/** For a mount by that driver. Throws as the constructor. */
export function planErofs(
  reader: BootstrapReader,
  of: { readonly chosen: ChosenDriver; readonly record: MountRecord; readonly directory: string },
): ErofsPlan | undefined {
  const { chosen, record } = of;
  const { erofsBacking: backing } = chosen;
  if (backing === undefined) return undefined;
  return new ErofsPlan(reader, { backing, directory: of.directory, source: mountSource(record.id) });
}

export class ErofsPlan {
  /** What the connection shows. */
  readonly shows: ServedImage['shows'];
  /** What reads by it are about. */
  readonly files: DeviceReader | FlatReader;
  readonly #reader: BootstrapReader;
  readonly #place: ErofsPlace;

  /** Throws `malformed` and `unsupported`: the image cannot be shown so. */
  constructor(reader: BootstrapReader, place: ErofsPlace) {
    this.#reader = reader;
    this.#place = place;
    this.shows = place.backing === 'loop' ? 'flat' : 'devices';
    this.files = place.backing === 'loop' ? new FlatReader(reader) : new DeviceReader(reader);
  }

  /** Without devices the kernel has all that it needs. */
  get hasDevices(): boolean {
    return this.#reader.blobs.length > 0;
  }

  /** What the helper needs beside the bootstrap, which lies there by now; goes with `held`. Rejects with `system`. */
  async prepare(held: AsyncDisposableStack): Promise<void> {
    if (!(this.files instanceof FlatReader)) return;
    this.adopt(held);
    try {
      await truncate(this.#path, this.files.size); // a hole where the devices are
    } catch (error) {
      throw fromSystemError(error, `enlarge ${this.#path}`);
    }
  }

  /** What another daemon prepared goes with `held`. */
  adopt(held: AsyncDisposableStack): void {
    if (this.files instanceof FlatReader) {
      held.defer(() => rm(join(this.#place.directory, LOOP_DIRECTORY), { recursive: true, force: true }));
    }
  }

  /** What the kernel has for devices of its own; `find` knows which of these blobs are here as a whole. */
  async devices(find: (names: readonly string[]) => Promise<readonly ErofsDevice[]>): Promise<readonly ErofsDevice[]> {
    return this.files instanceof FlatReader ? [] : find(this.#reader.blobs.map(({ id }) => id));
  }

  /** What the reads come from. */
  sources(blobs: readonly SharedBlob[]): readonly SharedBlob[] {
    if (!(this.files instanceof FlatReader)) return blobs;
    const always = createChunkMap(1);
    always.markPresent(0);
    return [...blobs, { map: always.buffer, path: this.#path }];
  }

  order(mountpoint: string | undefined, devices: readonly ErofsDevice[]): ErofsOrder {
    const { directory, source } = this.#place;
    const how = { directory, source, mountpoint, devices };
    if (!(this.files instanceof FlatReader)) return how;
    return { ...how, loop: this.hasDevices ? { export: FlatReader.FILE_NAME } : { path: this.#path } };
  }

  get #path(): string {
    return join(this.#place.directory, this.#place.source);
  }
}
