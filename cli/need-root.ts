// What only root can do is refused before anything is begun, with what to do instead.

import { ShoalError } from '../core/index.ts';

/** Throws `unsupported` unless this process is root's. `instead` completes the sentence "... run it as root, or". */
export function needRoot(what: string, instead: string): void {
  if (process.geteuid?.() === 0) return;
  const user = process.geteuid?.() ?? 'unknown';
  throw new ShoalError('unsupported', `${what} needs root, this is user ${user}: run it as root, or ${instead}`);
}
