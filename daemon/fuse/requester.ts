// The process behind a request: is it being killed? A read that waits may be broken off with EINTR only then. The
// kernel sends INTERRUPT for *any* signal, and EINTR for a page that is being read in would be an I/O error (SIGBUS
// under mmap) for a program that merely got a SIGCHLD. A fatal signal shows as a pending SIGKILL, whichever it was.

import { readFile } from 'node:fs/promises';
import { errnoOf } from '../../core/index.ts';

const SIGKILL_BIT = 1 << 8; // signal 9
/** Zombie and dead: nobody waits any more. */
const DEAD_STATES = new Set(['Z', 'X']);

/** Is it gone, or about to go, by what /proc/PID/status says? */
export function saysDying(status: string): boolean {
  const state = /^State:\s*(\S)/m.exec(status)?.[1] ?? '';
  if (DEAD_STATES.has(state)) return true;
  return ['SigPnd', 'ShdPnd'].some(field => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '';
    return (Number.parseInt(mask.slice(-3) || '0', 16) & SIGKILL_BIT) !== 0;
  });
}

/** `pid` may be a thread's id. A requester outside our pid namespace (0) is never known to be dying. */
export async function isDying(pid: number): Promise<boolean> {
  if (pid === 0) return false;
  try {
    return saysDying(await readFile(`/proc/${pid}/status`, 'latin1'));
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'ENOENT' || errno === 'ESRCH';
  }
}
