// How one image is shown to the kernel's EROFS: the bootstrap as a file and each device as one that the daemon exports; or,
// over a loop device, all of it as one exported file.

import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createChunkMap, type ErofsBacking, fromSystemError } from '../core/index.ts';
import { type BootstrapReader, DeviceReader, FlatReader } from '../image/index.ts';
import { writeBootstrapFile } from './bootstrap-file.ts';
import type { ChosenDriver } from './driver-choice.ts';
import type { ServedImage } from './fuse/messages.ts';
import type { SharedBlob } from './fuse/read-server.ts';
import type { MountSteps } from './mount/helper-client.ts';
import { type MountRecord, mountSource } from './state-dir.ts';

export interface ErofsPlace {
  readonly backing: ErofsBacking;
  /** Where the bootstrap is written, by the name of the source that the mount table shows. */
  readonly directory: string;
  readonly source: string;
}

/** For a mount by that driver. Throws as the constructor. */
export function planErofs(
  reader: BootstrapReader,
  of: { readonly chosen: ChosenDriver; readonly record: MountRecord; readonly directory: string },
): ErofsPlan | undefined {
  const { chosen, record } = of;
  const { erofsBacking: backing } = chosen;
  if (backing === undefined) return undefined;
  const directory = join(of.directory, record.writable ? 'image' : ''); // beside the layers
  return new ErofsPlan(reader, { backing, directory, source: mountSource(record.id) });
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
  get isServed(): boolean {
    return this.#reader.blobs.length > 0;
  }

  /** Writes the bootstrap, to be removed when `held` is given back. Rejects with `system`. */
  async write(bootstrap: SharedArrayBuffer, held: AsyncDisposableStack): Promise<void> {
    const { directory, source } = this.#place;
    await writeBootstrapFile(bootstrap, { directory, name: source }, held);
    if (!(this.files instanceof FlatReader)) return;
    try {
      await truncate(this.#path, this.files.size); // a hole where the devices are
    } catch (error) {
      throw fromSystemError(error, `enlarge ${this.#path}`);
    }
  }

  /** What the reads come from. */
  sources(blobs: readonly SharedBlob[]): readonly SharedBlob[] {
    if (!(this.files instanceof FlatReader)) return blobs;
    const always = createChunkMap(1);
    always.markPresent(0);
    return [...blobs, { map: always.buffer, path: this.#path }];
  }

  order(mountpoint: string | undefined): Parameters<MountSteps['mountErofs']>[0] {
    const { directory, source } = this.#place;
    const how = { directory, source, mountpoint };
    if (!(this.files instanceof FlatReader)) {
      return { ...how, devices: this.#reader.blobs.map(({ id }) => ({ export: id })) };
    }
    return { ...how, devices: [], loop: this.isServed ? { export: FlatReader.FILE_NAME } : { path: this.#path } };
  }

  get #path(): string {
    return join(this.#place.directory, this.#place.source);
  }
}
