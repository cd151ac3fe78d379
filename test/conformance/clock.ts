// The contract of core/clock.ts, for every implementation of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../../core/index.ts';
import { isShoalError, ShoalError } from '../../core/index.ts';

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets `ms` pass on the clock. */
  readonly pass: (ms: number) => Promise<void>;
}

export function clockConformance(name: string, make: () => ClockUnderTest): void {
  describe(`clock: ${name}`, () => {
    test('sleep resolves no earlier than asked, on the same clock', async () => {
      const { clock, pass } = make();
      const start = clock.monotonic();
      const slept = clock.sleep(20).then(() => clock.monotonic() - start);
      await pass(50);
      assert.ok((await slept) >= 20, 'woke too early');
    });

    test('sleeps that run at once wake in the order of their time', async () => {
      const { clock, pass } = make();
      const woken: number[] = [];
      const sleeps = [40, 5, 20].map(ms => clock.sleep(ms).then(() => woken.push(ms)));
      await pass(100);
      await Promise.all(sleeps);
      assert.deepEqual(woken, [5, 20, 40]);
    });

    test('a sleep whose signal has fired before rejects at once', async () => {
      const { clock } = make();
      const slept = clock.sleep(3_600_000, { signal: AbortSignal.abort() });
      await assert.rejects(slept, error => isShoalError(error, 'aborted'));
    });

    test('a sleep rejects at once when its signal fires, and others go on', async () => {
      const { clock, pass } = make();
      const controller = new AbortController();
      const slept = clock.sleep(3_600_000, { signal: controller.signal });
      const other = clock.sleep(5, { signal: new AbortController().signal });
      controller.abort();
      await assert.rejects(slept, error => isShoalError(error, 'aborted'));
      await pass(30);
      await other;
    });

    test('an abort with an error of ours rejects with that error', async () => {
      const { clock } = make();
      const reason = new ShoalError('busy', 'a reason');
      await assert.rejects(clock.sleep(3_600_000, { signal: AbortSignal.abort(reason) }), error => error === reason);
    });

    test('now and monotonic move on together, and monotonic never goes back', async () => {
      const { clock, pass } = make();
      const [now, monotonic] = [clock.now(), clock.monotonic()];
      await pass(30);
      assert.ok(clock.monotonic() - monotonic >= 25, 'monotonic stood still');
      assert.ok(clock.now() - now >= 25, 'now stood still');
      assert.ok(clock.now() > Date.UTC(2020, 0, 1), 'now is not wall time in milliseconds');
    });

    test('random stays within [0, 1)', () => {
      const { clock } = make();
      for (let round = 0; round < 100; round++) {
        const value = clock.random();
        assert.ok(value >= 0 && value < 1, `random gave ${value}`);
      }
    });
  });
}
