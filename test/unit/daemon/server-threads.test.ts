// Threads that load while images are on their way, and what becomes of those that no mount took.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ServerThreads } from '../../../daemon/fuse/server-threads.ts';
import { atEnd } from './daemon-under-test.ts';

function threadsOf(t: TestContext, script?: URL): ServerThreads {
  const threads = new ServerThreads(script);
  atEnd(t, () => threads.stop());
  return threads;
}

/** The thread that a mount gets, ended when it is one. */
async function takeAndEnd(threads: ServerThreads): Promise<number> {
  const worker = threads.take();
  const { threadId } = worker;
  worker.postMessage({ kind: 'quit' });
  await once(worker, 'exit');
  return threadId;
}

test('a mount takes the thread that was started when it was expected', async t => {
  const threads = threadsOf(t);
  const before = await takeAndEnd(threads);
  using _expected = threads.expectMount();
  const worker = threads.take();
  const { threadId } = worker;
  const later = await takeAndEnd(threads);
  worker.postMessage({ kind: 'quit' });
  assert.deepEqual([threadId - before, later - before], [1, 2], 'ids are given out in the order of starts');
});

test('the thread of a mount that did not come is ended, another stays for the one that is still expected', async t => {
  const threads = threadsOf(t);
  const before = await takeAndEnd(threads);
  const expected = [threads.expectMount(), threads.expectMount()];
  expected[0]?.[Symbol.dispose]();
  assert.equal((await takeAndEnd(threads)) - before, 2, 'the first of the two is being ended');
  expected[1]?.[Symbol.dispose]();
  assert.equal((await takeAndEnd(threads)) - before, 3, 'none was left');
});

test('a thread that ends while it loads is told to who took it', async t => {
  const threads = threadsOf(t, new URL('data:text/javascript,process.exit(3)'));
  using _expected = threads.expectMount();
  const worker = threads.take();
  assert.deepEqual(await once(worker, 'exit'), [3]);
});
