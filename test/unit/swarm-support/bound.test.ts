import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lowerBound } from '../../../bench/swarm/bound.ts';
import { resultOf } from '../../../bench/swarm/report.ts';
import type { StartSample } from '../../../bench/swarm/start.ts';
import { answersOf, machineSeconds } from '../../../bench/swarm/usage.ts';

const nodes = (count: number, up: number, down: number) => Array.from({ length: count }, () => ({ up, down }));

test('nobody finishes before the origin has sent everything once', () => {
  assert.equal(lowerBound({ bytes: 100, originUp: 10, nodes: nodes(8, 50, 100) }), 10);
});

test('nobody finishes before the slowest link has brought everything', () => {
  const fleet = [...nodes(7, 50, 100), { up: 50, down: 5 }];
  assert.equal(lowerBound({ bytes: 100, originUp: 50, nodes: fleet }), 20);
});

test('all uplinks together must send everything to everybody', () => {
  assert.equal(lowerBound({ bytes: 100, originUp: 100, nodes: nodes(4, 25, 1000) }), 2);
});

const sample = (change: Partial<StartSample>): StartSample => ({
  finishMs: [1000],
  mountMs: 0,
  partsMs: [],
  neededBytes: 1e6,
  originLinkBytes: 1e6,
  originBodyBytes: 1e6,
  originBlobBytes: 1e6,
  drops: 0,
  retransmits: 0,
  cores: { peers: 0, scheduler: 0, registry: 0, bench: 0, others: 0, machine: 0, stolen: 0 },
  answers: { p99: 0, max: 0 },
  ...change,
});

test('a row has the medians of its runs over the bound, and the origin bytes over what a node needs', () => {
  const samples = [
    sample({ finishMs: [1000, 1100, 4000], originLinkBytes: 3e6 }),
    sample({ finishMs: [1200, 1300, 2000], originLinkBytes: 2e6 }),
    sample({ finishMs: [900, 1000, 3000], originLinkBytes: 1e6 }),
  ];
  const row = resultOf({ mode: 'bulk', nodes: 3, hasPeers: true, mbit: 8, samples }); // 1e6 bytes take 1 s
  assert.equal(row.boundSeconds, 1);
  assert.deepEqual(row.p50, { median: 1.1, min: 1, max: 1.3 });
  assert.deepEqual(row.max, { median: 3, min: 2, max: 4 });
  assert.deepEqual(row.originLink, { median: 2, min: 1, max: 3 });
});

test('the parts of a flash crowd are measured against the time of their own bytes', () => {
  const mib = 2 ** 20 / 1e3; // ms at 8 Mbit/s
  const samples = [sample({ partsMs: [2 * mib, 3 * mib] })];
  const row = resultOf({ mode: 'flash', nodes: 1, hasPeers: false, mbit: 8, samples });
  assert.deepEqual(
    row.parts.map(({ median }) => median),
    [2, 1.5],
  );
});

test('a busy machine is all that /proc/stat does not call idle, waiting or stolen', () => {
  const text = 'cpu  100 20 300 4000 500 60 70 80 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n';
  assert.deepEqual(machineSeconds(text), { busy: 5.5, stolen: 0.8 });
});

test('answers are told by their 99th percentile and their longest', () => {
  assert.deepEqual(answersOf(Array.from({ length: 200 }, (_, index) => 200 - index)), { p99: 199, max: 200 });
});
