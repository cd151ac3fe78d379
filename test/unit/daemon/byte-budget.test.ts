import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { ByteBudget } from '../../../daemon/fetch/byte-budget.ts';

const never = new AbortController().signal;

/** Which of these have resolved, after all promises that could settle have. */
async function settledOf(promises: readonly Promise<void>[]): Promise<boolean[]> {
  const done = promises.map(() => false);
  for (const [at, promise] of promises.entries()) {
    promise.then(
      () => {
        done[at] = true;
      },
      () => {},
    );
  }
  await new Promise(resolve => setImmediate(resolve));
  return done;
}

test('admits in order what fits, and the rest as bytes are given back', async () => {
  const budget = new ByteBudget(100);
  const takes = [60, 60, 10].map(bytes => budget.take(bytes, never));
  assert.deepEqual(await settledOf(takes), [true, false, false], 'the small one must not overtake');
  budget.give(60);
  assert.deepEqual(await settledOf(takes), [true, true, true]);
  assert.equal(budget.used, 70);
});

test('something larger than the budget is admitted alone', async () => {
  const budget = new ByteBudget(100);
  await budget.take(1, never);
  const takes = [budget.take(5000, never), budget.take(1, never)];
  assert.deepEqual(await settledOf(takes), [false, false]);
  budget.give(1);
  assert.deepEqual(await settledOf(takes), [true, false]);
});

test('one that leaves lets the next one in', async () => {
  const budget = new ByteBudget(100);
  const controller = new AbortController();
  await budget.take(50, never);
  const leaving = budget.take(90, controller.signal);
  const waiting = budget.take(50, never);
  controller.abort();
  await assert.rejects(leaving, error => isShoalError(error, 'aborted'));
  await waiting;
  assert.equal(budget.used, 100);
});
