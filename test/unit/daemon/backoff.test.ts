import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, ShoalError } from '../../../core/index.ts';
import { defaultFetchLimits } from '../../../daemon/config.ts';
import { backoffMs, blamesSource, retryDelayMs } from '../../../daemon/fetch/backoff.ts';

const policy = { firstMs: 100, factor: 2, maxMs: 1000 };

test('waits grow by the factor up to the maximum, half certain and half chance', () => {
  const table: readonly [failures: number, chance: number, expected: number][] = [
    [1, 0, 50],
    [1, 1, 100],
    [2, 0.5, 150],
    [4, 1, 800],
    [5, 1, 1000],
    [60, 0, 500],
    [5000, 1, 1000],
  ];
  for (const [failures, chance, expected] of table) assert.equal(backoffMs(policy, failures, chance), expected);
});

test('what time heals is retried faster than what somebody must heal', () => {
  const table: readonly [code: ErrorCode, failures: number, expected: number][] = [
    ['unreachable', 1, 200],
    ['timeout', 3, 800],
    ['unavailable', 99, 5_000],
    ['digest-mismatch', 1, 1_000],
    ['unauthorized', 3, 4_000],
    ['no-space', 99, 30_000],
  ];
  for (const [code, failures, expected] of table) {
    assert.equal(retryDelayMs(new ShoalError(code, 'x'), failures, 1, defaultFetchLimits), expected, code);
  }
});

test('a server that names a time is obeyed, up to a minute', () => {
  const asked = (retryAfterMs: number) =>
    retryDelayMs(new ShoalError('unavailable', 'x', { retryAfterMs }), 1, 1, defaultFetchLimits);
  assert.equal(asked(7_000), 7_000);
  assert.equal(asked(10), 200);
  assert.equal(asked(1e9), 60_000);
});

test('only failures of the source as a whole count against it', () => {
  const blamed: readonly ErrorCode[] = ['unreachable', 'unavailable', 'timeout', 'unauthorized'];
  const innocent: readonly ErrorCode[] = ['not-found', 'malformed', 'digest-mismatch', 'no-space', 'aborted'];
  for (const code of blamed) assert.equal(blamesSource(new ShoalError(code, 'x')), true, code);
  for (const code of innocent) assert.equal(blamesSource(new ShoalError(code, 'x')), false, code);
});
