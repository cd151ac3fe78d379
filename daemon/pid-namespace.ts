// Which pid namespace this process lives in: a pid of another one says nothing here.

import { readlinkSync } from 'node:fs';

/** The same text for all processes of a namespace; of one that has ended it may be given out again. */
export function pidNamespace(): string {
  return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : '';
}
