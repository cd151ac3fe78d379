// What a mount by the driver `fuse` or `erofs` begins with while its image is still on its way: the open device, the helper that will
// mount it, and the thread that will serve it.

import { closeSync, openSync } from 'node:fs';
import { fromSystemError } from '../core/index.ts';
import type { ServerThreads } from './fuse/server-threads.ts';
import type { MountHelper, MountSteps } from './mount/helper-client.ts';

export class FuseStart implements Disposable {
  readonly helper: MountSteps;
  readonly #expected: Disposable;
  #fd: number | undefined;

  /** Throws `system`. */
  constructor(ports: { readonly helper: Pick<MountHelper, 'forMount'>; readonly threads: ServerThreads }) {
    const fd = openDevice();
    this.#fd = fd;
    this.helper = ports.helper.forMount(fd);
    this.#expected = ports.threads.expectMount();
  }

  /** The caller's to close from now on. */
  takeDevice(): number {
    const fd = this.#fd ?? openDevice();
    this.#fd = undefined;
    return fd;
  }

  [Symbol.dispose](): void {
    this.helper[Symbol.dispose]();
    this.#expected[Symbol.dispose]();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function openDevice(): number {
  try {
    return openSync('/dev/fuse', 'r+');
  } catch (error) {
    throw fromSystemError(error, 'open /dev/fuse');
  }
}
