// How far the kernel reads ahead: of a mount, by the entry that its device has below /sys/class/bdi. Runs only in the helper
// process. Where sysfs can't be written reads are smaller, and that is all.

import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { tryLock } from '../system-calls.ts';

const DEVICES = '/sys/class/bdi';
/** An EROFS that has no block device below it has an entry with a number of its own, which nothing else tells. */
const EROFS_ENTRY = /^erofs-\d+$/;

/** `device`: as the entry is called, `major:minor` for most. */
export function setReadahead(device: string, bytes: number): void {
  try {
    writeFileSync(`${DEVICES}/${device}/read_ahead_kb`, `${bytes / 1024}`);
  } catch {
    // as said above
  }
}

/** A mount waits for its own devices only; one that takes longer is not waited for, and may get another's readahead. */
const PATIENCE_MS = 500;
const LOOK_MS = 5;

/**
 * Makes an EROFS, and sets how far the kernel reads ahead in its files. Its entry is the one that is new: so one helper at a
 * time, of all daemons of the machine, does this.
 */
export function withReadahead<T>(bytes: number, make: () => T): T {
  using _ = entriesLock();
  const before = erofsEntries();
  const made = make();
  for (const entry of erofsEntries()) if (!before.has(entry)) setReadahead(entry, bytes);
  return made;
}

function entriesLock(): Disposable | undefined {
  let fd: number;
  try {
    fd = openSync(DEVICES, 'r');
  } catch {
    return undefined; // no sysfs
  }
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let left = PATIENCE_MS; left > 0 && !tryLock(fd); left -= LOOK_MS) Atomics.wait(clock, 0, 0, LOOK_MS);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

/** The entries that EROFS has now. */
function erofsEntries(): ReadonlySet<string> {
  try {
    return new Set(readdirSync(DEVICES).filter(name => EROFS_ENTRY.test(name)));
  } catch {
    return new Set(); // no sysfs
  }
}
