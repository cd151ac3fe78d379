// How far the kernel reads ahead: of a mount, by the entry that its device has below /sys/class/bdi. Runs only in the helper
// process. Where sysfs can't be written reads are smaller, and that is all.

import { readdirSync, writeFileSync } from 'node:fs';

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

/** The entries that EROFS has now. */
export function erofsEntries(): ReadonlySet<string> {
  try {
    return new Set(readdirSync(DEVICES).filter(name => EROFS_ENTRY.test(name)));
  } catch {
    return new Set(); // no sysfs
  }
}
