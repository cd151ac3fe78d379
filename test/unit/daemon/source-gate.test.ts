import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShoalError, silentLogger } from '../../../core/index.ts';
import { defaultFetchLimits } from '../../../daemon/config.ts';
import { SourceGate } from '../../../daemon/fetch/source-gate.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const down = new ShoalError('unreachable', 'down');
const never = new AbortController().signal;

function gate(): { gate: SourceGate; clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, gate: new SourceGate('origin', { clock, log: silentLogger }, defaultFetchLimits) };
}

function fail(target: SourceGate, times: number): void {
  const permits = Array.from({ length: times }, () => target.tryEnter());
  for (const permit of permits) permit?.failed(down);
}

test('lets everything through while the source works, also after single failures', () => {
  const { gate: target } = gate();
  fail(target, 2);
  target.tryEnter()?.succeeded();
  fail(target, 2);
  assert.equal(target.shut, false);
  assert.notEqual(target.tryEnter(), undefined);
});

test('shuts after failures in a row and then lets one probe at a time through, less and less often', async () => {
  const { gate: target, clock } = gate();
  fail(target, 3);
  assert.equal(target.shut, true);
  assert.equal(target.tryEnter(), undefined, 'no probe is due yet');
  for (const wait of [150, 300, 600]) {
    await clock.advance(wait - 1);
    assert.equal(target.tryEnter(), undefined, `too early for the probe after ${wait} ms`);
    await clock.advance(1);
    const probe = target.tryEnter();
    assert.notEqual(probe, undefined, `the probe after ${wait} ms`);
    assert.equal(target.tryEnter(), undefined, 'one probe at a time');
    probe?.failed(down);
  }
});

test('opens for everybody when a probe succeeds', async () => {
  const { gate: target, clock } = gate();
  fail(target, 3);
  await clock.advance(150);
  const probe = target.tryEnter();
  let woken = 0;
  const waiters = Array.from({ length: 200 }, () => target.change(never).then(() => woken++));
  probe?.succeeded();
  await Promise.all(waiters);
  assert.equal(woken, 200);
  assert.equal(target.shut, false);
});

test('a probe that was given up is replaced at once', async () => {
  const { gate: target, clock } = gate();
  fail(target, 3);
  await clock.advance(150);
  target.tryEnter()?.dropped();
  assert.notEqual(target.tryEnter(), undefined);
});

test('late failures of requests that were under way do not prolong the wait', async () => {
  const { gate: target, clock } = gate();
  fail(target, 16);
  await clock.advance(150);
  assert.notEqual(target.tryEnter(), undefined);
});

test('a server that names a time is left alone until then', async () => {
  const { gate: target, clock } = gate();
  target.tryEnter()?.failed(new ShoalError('unavailable', '429', { retryAfterMs: 20_000 }));
  await clock.advance(19_999);
  assert.equal(target.tryEnter(), undefined);
  await clock.advance(1);
  assert.notEqual(target.tryEnter(), undefined);
});

test('an answer about one chunk says that the source works', () => {
  const { gate: target } = gate();
  fail(target, 2);
  target.tryEnter()?.failed(new ShoalError('not-found', 'no such blob'));
  fail(target, 2);
  assert.equal(target.shut, false);
});

test('waiting for a change ends with the signal and leaves no timer', async () => {
  const { gate: target, clock } = gate();
  fail(target, 3);
  const controller = new AbortController();
  const waiting = target.change(controller.signal);
  controller.abort();
  await waiting;
  assert.equal(clock.sleeping, 0);
});
