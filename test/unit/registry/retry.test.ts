import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode, ShoalErrorOptions } from '../../../core/index.ts';
import { isShoalError, ShoalError } from '../../../core/index.ts';
import { parseRetryAfter } from '../../../registry/body.ts';
import { MAX_ATTEMPTS, resumableStream, waitBeforeRetry, withRetry } from '../../../registry/retry.ts';
import { noise } from '../../support/fake-blob.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { collect, inPieces } from '../../support/streams.ts';

const failure = (code: ErrorCode, options?: ShoalErrorOptions) => new ShoalError(code, 'from the test', options);
const signal = new AbortController().signal;

test('waits exponentially, never less than the server asks and never for too long', () => {
  const unavailable = failure('unavailable');
  assert.deepEqual(
    [1, 2, 3, 4].map(attempt => waitBeforeRetry(unavailable, attempt, 0)),
    [125, 250, 500, 1000],
  );
  assert.deepEqual(
    [1, 2, 3, 20].map(attempt => waitBeforeRetry(unavailable, attempt, 1)),
    [250, 500, 1000, 8000],
  );
  assert.equal(waitBeforeRetry(failure('unavailable', { retryAfterMs: 3000 }), 1, 0), 3000);
  assert.equal(waitBeforeRetry(failure('unavailable', { retryAfterMs: 3_600_000 }), 1, 0), undefined);
  for (const error of [failure('not-found'), failure('unauthorized'), failure('digest-mismatch'), new Error('other')]) {
    assert.equal(waitBeforeRetry(error, 1, 0), undefined);
  }
});

test('reads Retry-After as seconds or as a date', () => {
  const now = Date.UTC(2030, 0, 1);
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter('Tue, 01 Jan 2030 00:00:05 GMT', now), 5000);
  assert.equal(parseRetryAfter('Mon, 31 Dec 2029 00:00:05 GMT', now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});

test('tries again after retryable errors only, and gives the last error in the end', async () => {
  const clock = new ManualClock();
  let calls = 0;
  const work = async () => {
    calls++;
    throw failure('unreachable');
  };
  const result = assert.rejects(withRetry(work, { signal, clock }), error => isShoalError(error, 'unreachable'));
  await clock.advance(60_000);
  await result;
  assert.equal(calls, MAX_ATTEMPTS);
  assert.deepEqual(clock.sleeps, [187.5, 375, 750, 1500]);
  calls = 0;
  const final = async () => {
    calls++;
    throw failure('not-found');
  };
  await assert.rejects(withRetry(final, { signal, clock }), error => isShoalError(error, 'not-found'));
  assert.equal(calls, 1);
});

test('an abort ends the wait between two attempts', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const work = withRetry(async () => Promise.reject(failure('unavailable')), { signal: controller.signal, clock });
  const result = assert.rejects(work, error => isShoalError(error, 'aborted'));
  await clock.untilSleeping(1);
  controller.abort();
  await result;
  assert.equal(clock.sleeping, 0);
});

test('a stream that breaks goes on where it stopped, as often as it makes progress', async () => {
  const clock = new ManualClock();
  const content = noise(50_000, 'resumed');
  const opened: number[] = [];
  const open = async function* (offset: number) {
    opened.push(offset);
    yield* inPieces(content.subarray(offset, offset + 5000), 1000);
    if (offset + 5000 < content.length) throw failure('unreachable');
  };
  const result = collect(resumableStream(open, { signal, clock }));
  await clock.advance(60_000);
  assert.deepEqual(await result, content);
  assert.deepEqual(opened, [0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 45_000]);
});
