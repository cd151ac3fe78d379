// The directory of one mount's own, below `mounts` of the root: its bootstrap, for the kernel and for the daemon that comes
// next, and the layers of a writable one. What is made here goes with the mount, piece by piece in reverse order: never a
// whole tree with a mount in it.

import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError } from '../core/index.ts';
import { writeBootstrapFile } from './bootstrap-file.ts';

export class MountDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Where the read-only tree of a writable mount is mounted. */
  get lower(): string {
    return join(this.path, 'lower');
  }

  /** Makes it. Rejects with `system`; what there is then goes with `held`. */
  async create(held: AsyncDisposableStack): Promise<void> {
    held.defer(() => rmdir(this.path));
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fromSystemError(error, `create ${this.path}`);
    }
  }

  /** It is there already, with the bootstrap, made by another daemon; both go with `held`. */
  adopt(bootstrapName: string, held: AsyncDisposableStack): void {
    held.defer(() => rmdir(this.path));
    held.defer(() => rm(join(this.path, bootstrapName), { force: true }));
  }

  /** The bootstrap as a file of this name. Rejects with `system`. */
  async writeBootstrap(bytes: SharedArrayBuffer, name: string, held: AsyncDisposableStack): Promise<void> {
    await writeBootstrapFile(bytes, join(this.path, name), held);
  }

  /** Directories for the layers of an overlay. `lower` goes only when nothing is mounted there any more. */
  async makeLayers(held: AsyncDisposableStack): Promise<void> {
    this.adoptLayers(held);
    try {
      for (const name of ['lower', 'upper', 'work']) {
        await mkdir(join(this.path, name), { mode: name === 'upper' ? 0o755 : 0o700 });
      }
    } catch (error) {
      throw fromSystemError(error, `create ${this.path}`);
    }
  }

  /** They are there already. */
  adoptLayers(held: AsyncDisposableStack): void {
    held.defer(async () => {
      const layers = ['upper', 'work'].map(name => rm(join(this.path, name), { recursive: true, force: true }));
      await Promise.all(layers);
      await rmdir(this.lower);
    });
  }
}
