// How one image is shown to the kernel's EROFS: the bootstrap as a file and each device as one that the daemon exports, or two,
// where it has large files; or, over a loop device, all of it as one exported file.

import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createChunkMap, type ErofsBacking, fromSystemError } from '../core/index.ts';
import { type BootstrapReader, DeviceReader, FlatReader, straightBootstrap, straightName } from '../image/index.ts';
import type { ChosenDriver } from './driver-choice.ts';
import type { ServedImage } from './fuse/messages.ts';
import type { SharedBlob } from './fuse/read-server.ts';
import type { MountSteps } from './mount/helper-client.ts';
import { type ErofsDevice, LOOP_DIRECTORY } from './mount/helper-protocol.ts';
import { type MountRecord, mountSource } from './state-dir.ts';

/** Where the bootstrap lies that knows the second devices, in the mount's directory. */
const STRAIGHT_DIRECTORY = 'straight';

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
  /** The blobs that have a second device. */
  #straight: readonly number[] = [];

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

  /**
   * What the helper needs beside the bootstrap, which lies there by now; goes with `held`. `devices`: what `devices` has found.
   * Rejects with `system`.
   */
  async prepare(devices: readonly ErofsDevice[], held: AsyncDisposableStack): Promise<void> {
    this.adopt(held);
    if (this.files instanceof FlatReader) return await this.#enlarge(this.files.size);
    const isServed = (blobIndex: number) => 'export' in (devices[blobIndex] ?? {});
    const straight = await straightBootstrap(this.#reader, isServed, () => setImmediate());
    if (straight === undefined) return;
    this.#straight = straight.blobs;
    const path = join(this.#place.directory, STRAIGHT_DIRECTORY, this.#place.source);
    try {
      await mkdir(dirname(path), { mode: 0o700 });
      await writeFile(path, straight.bytes, { flag: 'wx', mode: 0o400 });
    } catch (error) {
      throw fromSystemError(error, `write ${path}`);
    }
  }

  async #enlarge(bytes: number): Promise<void> {
    try {
      await truncate(this.#path, bytes); // a hole where the devices are
    } catch (error) {
      throw fromSystemError(error, `enlarge ${this.#path}`);
    }
  }

  /** What this or another daemon prepares or has prepared goes with `held`. */
  adopt(held: AsyncDisposableStack): void {
    const name = this.files instanceof FlatReader ? LOOP_DIRECTORY : STRAIGHT_DIRECTORY;
    held.defer(() => rm(join(this.#place.directory, name), { recursive: true, force: true }));
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
    if (this.#straight.length > 0) {
      const second = this.#straight.map(blobIndex => ({
        export: straightName(this.#reader.blobs[blobIndex]?.id ?? ''),
      }));
      return { ...how, directory: join(directory, STRAIGHT_DIRECTORY), devices: [...devices, ...second] };
    }
    if (!(this.files instanceof FlatReader)) return how;
    return { ...how, loop: this.hasDevices ? { export: FlatReader.FILE_NAME } : { path: this.#path } };
  }

  get #path(): string {
    return join(this.#place.directory, this.#place.source);
  }
}
