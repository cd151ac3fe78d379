// Where the state lives when nobody says: the machine's for root, the user's for everybody else.

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

const SYSTEM_ROOT = '/var/lib/shoal';

/**
 * Without root: `$XDG_STATE_HOME/shoal`, by default `~/.local/state/shoal` (XDG Base Directory Specification 0.8, which
 * says to pass over relative values). Not the cache directory: what is mounted is written down there, too.
 */
export function defaultRoot(
  env: Readonly<Record<string, string | undefined>>,
  user: { readonly isRoot: boolean; readonly home: string } = { isRoot: process.geteuid?.() === 0, home: homedir() },
): string {
  if (user.isRoot) return SYSTEM_ROOT;
  const state = env['XDG_STATE_HOME'];
  return join(state !== undefined && isAbsolute(state) ? state : join(user.home, '.local', 'state'), 'shoal');
}
