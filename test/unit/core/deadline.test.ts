import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadline, systemClock } from '../../../core/index.ts';

test('what waits until a deadline learns what it waited for, also behind a signal of several', async () => {
  const signal = AbortSignal.any([new AbortController().signal, deadline(1, 'the kernel: no word')]);
  await assert.rejects(systemClock.sleep(60_000, { signal }), {
    code: 'timeout',
    message: 'the kernel: no word within 1 ms',
  });
});
