// The helper process: reads one order as JSON from its input, does it, prints the answer as JSON, and ends. It holds
// nothing of the daemon except, while it mounts, the /dev/fuse descriptor; and it dies with the daemon, lest it mount
// something after the next daemon has cleaned up.

import { readFileSync } from 'node:fs';
import { fromSystemError, ShoalError } from '../../core/index.ts';
import { dieWithParent } from '../system-calls.ts';
import type { HelperAnswer, HelperOrder } from './helper-protocol.ts';
import { perform } from './operations.ts';

const STDIN = 0;

function answer(): HelperAnswer {
  try {
    dieWithParent();
    const order: HelperOrder = JSON.parse(readFileSync(STDIN, 'utf8'));
    if (process.ppid !== order.daemonPid) throw new ShoalError('aborted', 'the daemon is gone');
    return perform(order.request);
  } catch (error) {
    const { code, message } = fromSystemError(error, 'mount helper');
    return { failure: { code, message } };
  }
}

process.stdout.write(JSON.stringify(answer()));
