// The helper process: reads orders, a line of JSON each, does one after the other, answers each with a line of JSON, and
// ends with its input. It holds nothing of the daemon except, for a mount, the /dev/fuse descriptor; and it dies with the
// daemon, lest it mount something after the next daemon has cleaned up.

import { readSync, writeSync } from 'node:fs';
import { fromSystemError, ShoalError } from '../../core/index.ts';
import { dieWithParent } from '../system-calls.ts';
import type { HelperAnswer, HelperOrder } from './helper-protocol.ts';
import { perform } from './operations.ts';

const STDIN = 0;
const STDOUT = 1;
const READ_BYTES = 64 << 10;

/** Everything up to the end of the input, line by line, as the lines come. */
function* lines(): Generator<string> {
  const buffer = Buffer.alloc(READ_BYTES);
  let text = '';
  const decoder = new TextDecoder();
  for (let length = readSync(STDIN, buffer); length > 0; length = readSync(STDIN, buffer)) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
    const ended = text.split('\n');
    text = ended.pop() ?? '';
    yield* ended;
  }
}

function answer(line: string): HelperAnswer {
  try {
    const order: HelperOrder = JSON.parse(line);
    if (process.ppid !== order.daemonPid) throw new ShoalError('aborted', 'the daemon is gone');
    return perform(order.request);
  } catch (error) {
    const { code, message } = fromSystemError(error, 'mount helper');
    return { failure: { code, message } };
  }
}

dieWithParent();
for (const line of lines()) writeSync(STDOUT, `${JSON.stringify(answer(line))}\n`);
