import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateMeter } from '../../../daemon/fetch/rate-meter.ts';

test('tells what comes in per second while it comes evenly, and soon after it began', () => {
  const meter = new RateMeter(1_000);
  for (let now = 1_000; now <= 30_000; now += 100) {
    meter.add(50, now);
    if (now >= 4_000) assert.ok(Math.abs(meter.rate(now) - 500) < 50, `${meter.rate(now)} at ${now}`);
  }
});

test('forgets what is over', () => {
  const meter = new RateMeter(0);
  for (let now = 0; now < 10_000; now += 100) meter.add(50, now);
  assert.ok(meter.rate(13_000) < 220, 'a third after its memory');
  assert.ok(meter.rate(40_000) < 1);
});

test('takes a first request for no rate, and nothing for nothing', () => {
  const meter = new RateMeter(0);
  assert.equal(meter.rate(0), 0);
  meter.add(1, 1);
  assert.ok(meter.rate(1) < 1.5, `${meter.rate(1)}`);
});
