import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { LateIdentify } from '../../../peer/transport/late-identify.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Connections that are numbers, and which of them were identified. */
function identifying(identify: (connection: number) => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const identified: unknown[] = [];
  const late = new LateIdentify({
    identify: connection => {
      identified.push(connection);
      return identify(connection as unknown as number);
    },
    clock,
  });
  const open = (...connections: readonly number[]) => {
    for (const connection of connections) late.opened(connection as unknown as Connection);
  };
  const close = (connection: number) => late.closed(connection as unknown as Connection);
  return { clock, late, open, close, identified };
}

test('the first connection, and each that comes alone, is identified at once', async () => {
  const { clock, open, identified } = identifying();
  open(1);
  assert.deepEqual(identified, [1]);
  await clock.advance(1_000);
  open(2);
  assert.deepEqual(identified, [1, 2]);
});

test('a crowd is identified when no more come, those that left meanwhile are not', async () => {
  const { clock, open, close, identified } = identifying();
  open(1, 2, 3);
  await clock.advance(900);
  open(4);
  close(2);
  await clock.advance(999);
  assert.deepEqual(identified, [1]);
  await clock.advance(1);
  assert.deepEqual(identified, [1, 3, 4]);
});

test('a crowd that never ends is identified all the same', async () => {
  const { clock, open, identified } = identifying();
  open(0);
  for (let next = 1; next <= 12; next++) {
    open(next);
    await clock.advance(500);
  }
  assert.ok(identified.length > 9, `${identified.length}`);
});

test('few are identified at a time, and a failure is nobody else’s', async () => {
  const pending: PromiseWithResolvers<void>[] = [];
  const { clock, open, identified } = identifying(connection => {
    if (connection === 0) return Promise.resolve();
    const answer = Promise.withResolvers<void>();
    pending.push(answer);
    return answer.promise;
  });
  open(0, 1, 2, 3, 4, 5, 6);
  await clock.advance(1_000);
  assert.deepEqual(identified, [0, 1, 2, 3, 4]);
  for (const answer of pending) answer.reject(new Error('it was closed'));
  await clock.advance(0);
  assert.deepEqual(identified, [0, 1, 2, 3, 4, 5, 6]);
});

test('nothing is identified after the end', async () => {
  const { clock, late, open, identified } = identifying();
  open(1, 2, 3);
  await late.stop();
  await clock.advance(10_000);
  assert.deepEqual(identified, [1]);
});
