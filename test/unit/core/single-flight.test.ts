import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShoalError, SingleFlight } from '../../../core/index.ts';

test('callers of one key share one piece of work and its result', async () => {
  const flights = new SingleFlight<string, number>();
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<number>();
  const work = () => {
    runs++;
    return promise;
  };
  const both = Promise.all([flights.run('a', work), flights.run('a', work)]);
  resolve(7);
  assert.deepEqual(await both, [7, 7]);
  assert.equal(runs, 1);
  assert.equal(flights.size, 0);
});

test("one caller's abort rejects that caller at once and leaves the others alone", async () => {
  const flights = new SingleFlight<string, number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  let aborted = false;
  const work = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    return promise;
  };
  const leaving = new AbortController();
  const first = flights.run('a', work, { signal: leaving.signal });
  const second = flights.run('a', work);
  leaving.abort();
  await assert.rejects(first, error => isShoalError(error, 'aborted'));
  assert.equal(aborted, false);
  resolve(1);
  assert.equal(await second, 1);
});

test('when the last caller leaves, the work is aborted, and the next caller starts anew', async () => {
  const flights = new SingleFlight<string, string>();
  const leaving = new AbortController();
  let signalOfWork: AbortSignal | undefined;
  const stuck = flights.run(
    'a',
    signal => {
      signalOfWork = signal;
      return new Promise<string>(() => {});
    },
    { signal: leaving.signal },
  );
  leaving.abort();
  await assert.rejects(stuck, error => isShoalError(error, 'aborted'));
  assert.equal(signalOfWork?.aborted, true);
  assert.equal(await flights.run('a', async () => 'fresh'), 'fresh');
});

test('a failure reaches every caller and is not remembered', async () => {
  const flights = new SingleFlight<string, number>();
  const fail = () => Promise.reject(new Error('once'));
  const results = await Promise.allSettled([flights.run('a', fail), flights.run('a', fail)]);
  assert.deepEqual(
    results.map(result => result.status),
    ['rejected', 'rejected'],
  );
  assert.equal(await flights.run('a', async () => 3), 3);
});

test('a synchronous throw of the work is a rejection', async () => {
  const flights = new SingleFlight<string, number>();
  const work = () => {
    throw new Error('at once');
  };
  await assert.rejects(flights.run('a', work), /at once/);
  assert.equal(flights.size, 0);
});
