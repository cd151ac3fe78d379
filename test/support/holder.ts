// The holders of tests' daemons: found by their working directory, which is the daemon's root, and ended by pid.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const SCRIPT = /holder-process\.[jt]s\0|\0holder\0/;

/** Holders of roots at or below a directory. */
export function holdersBelow(directory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isInteger(pid) && isHolderBelow(pid, directory));
}

/** Ends them: readers of mounts without a daemon get errors. */
export function killHolders(directory: string): void {
  for (const pid of holdersBelow(directory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended by itself
    }
  }
}

function isHolderBelow(pid: number, directory: string): boolean {
  try {
    const place = readlinkSync(`/proc/${pid}/cwd`);
    if (place !== directory && !place.startsWith(`${directory}/`)) return false;
    return SCRIPT.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false; // ended, or not ours to see
  }
}
