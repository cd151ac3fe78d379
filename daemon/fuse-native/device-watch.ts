// Sees the end of a connection that libfuse serves: the native package does not tell it, but libfuse closes its device
// then. Looks at this process's own descriptor, never at the mount.

import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { type Clock, ShoalError } from '../../core/index.ts';

const DEVICE = '/dev/fuse';
const DESCRIPTORS = '/proc/self/fd';
/** Somebody may unmount behind our back: one fstat(2) each time. */
const WATCH_MS = 1_000;
/** The same once we were told that it was unmounted: `shoal umount` waits for it. */
const WATCH_CLOSELY_MS = 10;

export class DeviceWatch {
  readonly #clock: Clock;
  readonly #fd: number;
  readonly #rdev: number;
  #everyMs = WATCH_MS;
  #pause = new AbortController();

  /** To be made when libfuse has opened its device. */
  constructor(clock: Clock) {
    const fd = findDevice();
    if (fd === undefined) throw new ShoalError('system', `libfuse serves, but has no ${DEVICE}`);
    this.#clock = clock;
    this.#fd = fd;
    this.#rdev = fstatSync(fd).rdev;
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<void> {
    while (this.#isOpen()) {
      await this.#clock.sleep(this.#everyMs, { signal: this.#pause.signal }).catch(() => {}); // looks earlier
    }
  }

  /** It ends about now. */
  closely(): void {
    this.#everyMs = WATCH_CLOSELY_MS;
    this.#pause.abort();
    this.#pause = new AbortController();
  }

  /** Another file may have got the number meanwhile. */
  #isOpen(): boolean {
    try {
      return fstatSync(this.#fd).rdev === this.#rdev;
    } catch {
      return false;
    }
  }
}

function findDevice(): number | undefined {
  const found = readdirSync(DESCRIPTORS).find(fd => {
    try {
      return readlinkSync(`${DESCRIPTORS}/${fd}`) === DEVICE;
    } catch {
      return false; // the one that listed the folder, closed again
    }
  });
  return found === undefined ? undefined : Number(found);
}
