// The small pure parts of the scheduler's core.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchIntervalMs, reportIntervalMs } from '../../../scheduler/core/config.ts';
import { OriginPace, type PaceStamp } from '../../../scheduler/core/origin-pace.ts';
import { PieceQueue } from '../../../scheduler/core/piece-queue.ts';
import { distanceBetween, placeOf } from '../../../scheduler/core/place.ts';
import { PARENT_WEIGHTS, type ParentFacts, rankParent } from '../../../scheduler/core/ranking.ts';
import { seededRandom } from '../../support/swarm-simulation/virtual-clock.ts';

const PARENT: ParentFacts = {
  holds: 0.5,
  uploadSlots: 4,
  freeSlots: 2,
  queueLength: 10,
  distance: 2,
  isSeed: false,
  rate: 0,
  failures: 0,
  isBanned: false,
};

test('a parent ranks higher when it has more, is freer, nearer, faster, a seed, or failed less', () => {
  const better: Partial<ParentFacts>[] = [
    { holds: 0.6 },
    { freeSlots: 3 },
    { queueLength: 5 },
    { distance: 1 },
    { rate: 200 },
    { isSeed: true },
  ];
  for (const facts of better)
    assert.ok(rankParent({ ...PARENT, ...facts }) > rankParent(PARENT), JSON.stringify(facts));
  const worse: Partial<ParentFacts>[] = [
    { failures: 1 },
    { rate: 5 },
    { uploadSlots: 0, freeSlots: 0 },
    { distance: 3 },
  ];
  for (const facts of worse) assert.ok(rankParent({ ...PARENT, ...facts }) < rankParent(PARENT), JSON.stringify(facts));
});

test('a perfect parent ranks near 1, and a banned one is never chosen', () => {
  assert.ok(Math.abs(Object.values<number>(PARENT_WEIGHTS).reduce((a, b) => a + b) - 1) < 1e-9);
  const perfect = { ...PARENT, holds: 1, freeSlots: 4, queueLength: 0, distance: 0, isSeed: true, rate: 1e6 } as const;
  assert.ok(rankParent(perfect) > 0.99 && rankParent(perfect) <= 1);
  assert.equal(rankParent({ ...perfect, isBanned: true }), -Infinity);
});

test('distance goes by rack, zone, region; labels that are not set say nothing, and equal names elsewhere are others', () => {
  const at = (region: string, zone: string, rack: string) => placeOf({ region, zone, rack });
  const here = at('eu', 'a', '1');
  assert.equal(distanceBetween(here, at('eu', 'a', '1')), 0);
  assert.equal(distanceBetween(here, at('eu', 'a', '2')), 1);
  assert.equal(distanceBetween(here, at('eu', 'b', '1')), 2);
  assert.equal(distanceBetween(here, at('us', 'a', '1')), 3);
  assert.equal(distanceBetween(at('', '', ''), at('', '', '')), 3);
});

/** An origin that sends `perMs` leases, each after at least `delayMs`: what the limit settles at. */
function settle(perMs: number, delayMs: number, isAlone = false): number[] {
  const pace = new OriginPace();
  const limits: number[] = [];
  const under: { stamp: PaceStamp; doneAt: number }[] = [];
  let freeAt = 0;
  for (let now = 0; now < 30_000; now++) {
    while (under[0] !== undefined && under[0].doneAt <= now) {
      pace.done(under[0].stamp, under[0].doneAt);
      under.shift();
    }
    while (under.length < pace.limit(isAlone)) {
      freeAt = Math.max(freeAt, now) + 1 / perMs;
      under.push({ stamp: pace.begin(now), doneAt: freeAt + delayMs });
    }
    limits.push(pace.limit(isAlone));
  }
  return limits;
}

test('a slow origin without delay is asked for hardly more than eight pieces at a time, and stays so', () => {
  // 20 Mbit/s: a piece takes 26 ms.
  const limits = settle(1 / 26, 1);
  assert.ok(Math.max(...limits) <= 10, `up to ${Math.max(...limits)}`);
});

test('an origin far away is asked for twice what keeps it busy', () => {
  // 500 pieces/s with 40 ms: 21 keep it busy.
  const limits = settle(0.5, 40).slice(2000);
  const median = limits.toSorted((a, b) => a - b)[limits.length / 2] ?? 0;
  assert.ok(median >= 30 && median <= 64, `median ${median}`);
});

test('there are at most 64 leases under way, 256 for one who is alone', () => {
  assert.equal(Math.max(...settle(20, 100)), 64);
  assert.equal(Math.max(...settle(20, 100, true)), 256);
});

/**
 * An origin whose link sends `perMs` leases and shares it unevenly, as connections do: those under way while somebody waits
 * for what is leased.
 */
function shareUnevenly(perMs: number, delayMs: number, seed: number): number[] {
  const pace = new OriginPace();
  const chance = seededRandom(seed);
  const limits: number[] = [];
  let under: { stamp: PaceStamp; startsAt: number; weight: number; left: number }[] = [];
  for (let now = 0; now < 60_000; now++) {
    const sending = under.filter(({ startsAt }) => startsAt <= now);
    const weights = sending.reduce((sum, { weight }) => sum + weight, 0);
    for (const one of sending) one.left -= (perMs * one.weight) / weights;
    for (const { stamp } of sending.filter(({ left }) => left <= 0)) pace.done(stamp, now);
    under = under.filter(({ left }) => left > 0);
    while (under.length < pace.limit(false, true)) {
      under.push({ stamp: pace.begin(now), startsAt: now + delayMs, weight: 0.2 + chance(), left: 1 });
    }
    limits.push(pace.limit(false, true));
  }
  return limits;
}

test('while somebody waits, a slow origin is asked for few pieces at a time, whatever those under way have made of its times', () => {
  // 2.5 Mbit/s: a piece takes 220 ms if it is alone.
  for (const seed of [1, 2, 3, 4, 5]) {
    const limits = shareUnevenly(1 / 220, 5, seed);
    const most = Math.max(...limits);
    const median = limits.toSorted((a, b) => a - b)[limits.length / 2] ?? 0;
    assert.ok(median <= 3 && most <= 5, `median ${median}, up to ${most}`);
  }
});

test('while somebody waits, an origin far away with a fast link is asked for as many as keep it busy', () => {
  // 100 Mbit/s: a piece takes 5.3 ms. After a round trip of 100 ms, 20 keep the link busy.
  const limits = shareUnevenly(1 / 5.3, 100, 1).slice(5_000);
  const median = limits.toSorted((a, b) => a - b)[limits.length / 2] ?? 0;
  assert.ok(median >= 20 && median <= 64, `median ${median}`);
});

test('when the origin asks for rest the limit is halved, and grows again one by one', () => {
  const pace = new OriginPace();
  const stamps = Array.from({ length: 40 }, () => pace.begin(0));
  for (const stamp of stamps) pace.done(stamp, 100);
  const before = pace.limit(false);
  assert.equal(before, 64);
  pace.slowDown(false);
  assert.equal(pace.limit(false), 32);
  for (let i = 0; i < 70; i++) pace.done(pace.begin(100), 200);
  assert.ok(pace.limit(false) >= 33 && pace.limit(false) <= 35, `${pace.limit(false)}`);
});

test('deadlines follow what leases take, within bounds, and grow when they were too short', () => {
  const pace = new OriginPace();
  assert.equal(pace.deadlineMs, 10_000);
  for (let i = 0; i < 50; i++) pace.done(pace.begin(0), 20);
  assert.equal(pace.deadlineMs, 5_000);
  for (let i = 0; i < 50; i++) pace.done(pace.begin(0), 3_000);
  assert.ok(pace.deadlineMs > 12_000 && pace.deadlineMs <= 60_000, `${pace.deadlineMs}`);
  for (let i = 0; i < 5; i++) pace.wasHasty();
  assert.equal(pace.deadlineMs, 60_000);
});

test('the queue gives each piece once, higher lanes first, and those put back before the others of their lane', () => {
  const queue = new PieceQueue<string>(32);
  const entry = (piece: number, lane: 1 | 2 | 3) => ({ piece, lane, asker: 'a', forAsker: false });
  for (const piece of [4, 5, 6]) queue.push(entry(piece, 3));
  queue.push(entry(5, 3));
  queue.push(entry(7, 2));
  queue.push(entry(6, 1));
  queue.push(entry(6, 2));
  assert.equal(queue.size, 4);
  assert.equal(queue.next()?.piece, 6);
  queue.pushFirst(entry(8, 3));
  assert.ok(queue.has(8) && !queue.has(6));
  assert.deepEqual(
    [7, 8, 4, 5, undefined],
    Array.from({ length: 5 }, () => queue.next()?.piece),
  );
  assert.equal(queue.size, 0);
  assert.equal(queue.lastLane(6), 1);
  assert.equal(queue.lastLane(9), 3);
});

test('a long queue keeps its order while it is used up and filled', () => {
  const queue = new PieceQueue<string>(10_000);
  for (let piece = 0; piece < 5_000; piece++) queue.push({ piece, lane: 3, asker: 'a', forAsker: false });
  for (let piece = 0; piece < 10_000; piece++) {
    assert.equal(queue.next()?.piece, piece);
    if (piece < 5_000) queue.push({ piece: piece + 5_000, lane: 3, asker: 'a', forAsker: false });
  }
  assert.equal(queue.next(), undefined);
});

test('the more nodes there are the more seldom they report, and the longer news is collected', () => {
  assert.deepEqual([8, 1000, 10_000].map(reportIntervalMs), [504, 1000, 5000]);
  assert.deepEqual([8, 1000, 10_000].map(batchIntervalMs), [2, 4, 10]);
});
