import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isShoalError, ShoalError } from '../../../../core/index.ts';
import { DEFAULT_SWARM_SETTINGS } from '../../../../peer/swarm/config.ts';
import { FakeSwarm, type FakeSwarmOptions } from '../../../support/fake-swarm.ts';

/** Every piece, when told to the scheduler as wanted, in order. */
function wanted(world: FakeSwarm): number[] {
  return world.scheduler.wants.flatMap(({ pieces }) => pieces);
}

function scheduled(t: TestContext, options: FakeSwarmOptions = {}) {
  const world = new FakeSwarm(options);
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  return { world, blob };
}

const unavailable = (error: unknown) => isShoalError(error, 'unavailable');

test('a read asks parents for what they have, and gives the bytes with their source', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0, 1]);
  const other = world.parent('c', [2]);
  const reading = world.read(blob, { first: 0, count: 3 });
  await world.settle();
  assert.deepEqual([parent.askedPieces, other.askedPieces], [[0, 1], [2]]);
  assert.ok(parent.asked.every(({ lane, mayFetch }) => lane === 'demand' && !mayFetch));
  parent.sendAll();
  other.sendAll();
  const { bytes, tally } = await reading;
  assert.deepEqual(bytes, world.bytesAt({ offset: 0, length: 3 * 65_536 }));
  assert.deepEqual(tally, { peerBytes: 3 * 65_536, originBytes: 0 });
  assert.deepEqual(world.scheduler.wants, []);
  assert.deepEqual(world.remembered.sort(), ['b', 'c']);
});

test('a read within pieces gives just its bytes, and two that share a piece ask for it once', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0, 1, 2]);
  const signal = new AbortController().signal;
  const ranges = [
    { offset: 10, length: 65_536 },
    { offset: 65_600, length: 100 },
  ];
  const readings = ranges.map(range => blob.read(range, { lane: 'demand', signal }));
  await world.settle();
  assert.deepEqual(parent.askedPieces, [0, 1]);
  parent.sendAll();
  for (const [index, range] of ranges.entries()) {
    const result = await readings[index];
    assert.deepEqual(result?.bytes, world.bytesAt(range));
    assert.equal(result?.tally.peerBytes, range.length);
  }
});

test('pieces nobody has are wanted of the scheduler once; a lessee is asked at once, and they wait there', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', []);
  const reading = world.read(blob, { first: 0, count: 4 });
  await world.settle();
  assert.deepEqual(world.scheduler.wants, [{ pieces: [0, 1, 2, 3], lane: 'demand', late: false }]);
  world.scheduler.events.onLessee('b', [0, 2]);
  world.scheduler.events.onLease([1, 3], 10_000);
  await world.settle();
  assert.deepEqual(parent.askedPieces, [0, 2]);
  assert.deepEqual([...world.scheduler.reported].sort(), [1, 3]);
  parent.sendAll();
  const { bytes, tally } = await reading;
  assert.deepEqual(bytes, world.bytesAt({ offset: 0, length: bytes.length }));
  assert.deepEqual(tally, { peerBytes: 131_072, originBytes: 131_072 });
  assert.equal(world.scheduler.wants.length, 1);
});

test('adjoining leased pieces are fetched in one range', async t => {
  const { world } = scheduled(t);
  world.scheduler.events.onLease([4, 5, 6, 7, 1], 10_000);
  await world.settle();
  assert.deepEqual(world.originAsked, [world.rangeOf({ first: 4, count: 4 }), world.rangeOf({ first: 1, count: 1 })]);
  assert.deepEqual([...world.scheduler.reported].sort(), [1, 4, 5, 6, 7]);
});

test('the abort of one reader fails no other, and what only it wanted is cancelled', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0, 1, 2]);
  const stop = new AbortController();
  const first = world.read(blob, { first: 0, count: 3 }, { signal: stop.signal });
  const second = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  stop.abort();
  await assert.rejects(first, error => isShoalError(error, 'aborted'));
  await world.settle();
  assert.deepEqual(parent.askedPieces, [0]);
  parent.send(0);
  assert.equal((await second).bytes.length, 65_536);
});

test('a background piece that is demanded is asked for anew in the higher lane', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0]);
  const background = world.read(blob, { first: 0, count: 1 }, { lane: 'background' });
  await world.settle();
  assert.equal(parent.asked[0]?.lane, 'background');
  const demand = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  assert.deepEqual(parent.asked, [{ piece: 0, lane: 'demand', mayFetch: false }]);
  parent.send(0);
  await Promise.all([background, demand]);
});

test('a parent that dies in the middle of its answer: the rest comes from another', async t => {
  const { world, blob } = scheduled(t);
  const dying = world.parent('b', [0, 1, 2]);
  const reading = world.read(blob, { first: 0, count: 3 });
  await world.settle();
  const other = world.parent('c', [0, 1, 2]);
  dying.send(0);
  dying.down();
  await world.settle();
  assert.deepEqual(other.askedPieces, [1, 2]);
  other.sendAll();
  assert.equal((await reading).bytes.length, 3 * 65_536);
});

test('the only holder is gone: its pieces are wanted of the scheduler, also those that were wanted before', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', []);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  world.scheduler.events.onLessee('b', [0]);
  await world.settle();
  parent.events.onHave([0], []);
  parent.down();
  await world.settle();
  assert.deepEqual(wanted(world), [0, 0]);
  world.scheduler.events.onLease([0], 10_000);
  assert.equal((await reading).tally.originBytes, 65_536);
});

test('wrong bytes are refused, their sender accused and avoided, and the reader gets the right ones', async t => {
  const { world, blob } = scheduled(t);
  const liar = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  liar.send(0, new Uint8Array(65_536));
  await world.settle();
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'wrong-bytes' }]);
  assert.deepEqual(world.banned, ['b']);
  assert.ok(liar.isClosed);
  assert.equal(world.swarm.status().avoidedPeers, 1);
  const honest = world.parent('c', [0]);
  await world.settle();
  assert.deepEqual(honest.askedPieces, [0]);
  honest.send(0);
  assert.deepEqual((await reading).bytes, world.bytesOf(0));
  // Named again, it is not taken.
  const none = world.setOf([]);
  world.scheduler.events.onParents([{ peerId: 'b', addresses: [], pieces: none, chunks: none, distance: 0 }], []);
  assert.equal(liar.opens, 1);
});

test('a piece of the wrong length is wrong, with or without a table', async t => {
  const { world, blob } = scheduled(t, { hasTable: false });
  const liar = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  liar.send(0, new Uint8Array(100));
  await world.settle();
  assert.deepEqual(world.banned, ['b']);
  const honest = world.parent('c', [0]);
  await world.settle();
  honest.send(0);
  assert.equal((await reading).bytes.length, 65_536);
});

test('a parent that was to get a piece and did not has not failed; one that has it and does not send it has', async t => {
  const { world, blob } = scheduled(t);
  const lessee = world.parent('b', []);
  const holder = world.parent('c', [1]);
  void world.read(blob, { first: 0, count: 2 }).catch(() => {});
  await world.settle();
  world.scheduler.events.onLessee('b', [0]);
  await world.settle();
  assert.deepEqual([lessee.askedPieces, holder.askedPieces], [[0], [1]]);
  lessee.refuse([0], 'failed');
  holder.refuse([1], 'failed');
  holder.events.onLost([1], []);
  await world.pass(1.5 * DEFAULT_SWARM_SETTINGS.serviceReportMs);
  assert.deepEqual([...world.scheduler.serviceFailures], [['c', 1]]);
});

for (const reason of ['absent', 'failed'] as const) {
  test(`a bitmap is accused as a lie when its pieces are refused as ${reason}, unless they are said to be lost`, async t => {
    const { world, blob } = scheduled(t);
    const liar = world.parent('b', [0]);
    const honest = world.parent('c', [1]);
    void world.read(blob, { first: 0, count: 2 }).catch(() => {});
    await world.settle();
    liar.refuse([0], reason);
    honest.refuse([1], reason);
    honest.events.onLost([1], []);
    await world.pass(500);
    assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'lying-bitmap' }]);
    assert.deepEqual(wanted(world).sort(), [0, 1]);
  });
}

test('what only a liar has is said to be late at once while the liar rests', async t => {
  const { world, blob } = scheduled(t);
  const liar = world.parent('b', [0, 1]);
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  await world.settle();
  liar.refuse([0], 'absent');
  await world.pass(500);
  assert.deepEqual(world.scheduler.wants, [{ pieces: [0], lane: 'demand', late: false }]);
  void world.read(blob, { first: 1, count: 2 }).catch(() => {});
  await world.settle();
  assert.deepEqual(liar.askedPieces, []);
  assert.deepEqual(world.scheduler.wants.slice(1), [
    { pieces: [1], lane: 'demand', late: true },
    { pieces: [2], lane: 'demand', late: false },
  ]);
});

test('a parent that sends nothing is hedged for demand, then left alone and accused', async t => {
  const { world, blob } = scheduled(t);
  const slow = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  const other = world.parent('c', [0]);
  await world.pass(1_900);
  assert.deepEqual(other.askedPieces, []);
  await world.pass(300);
  assert.deepEqual(other.askedPieces, [0]);
  await world.pass(3_000);
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'stalled' }]);
  assert.deepEqual(slow.cancelled, [0]);
  other.send(0);
  assert.equal((await reading).tally.peerBytes, 65_536);
  assert.equal(world.swarm.status().tasks[0]?.counters.hedges, 1);
});

test('a hedge comes after hundreds of milliseconds once it is known how long answers take', async t => {
  const { world, blob } = scheduled(t, { pieces: 64 });
  const first = world.parent(
    'b',
    Array.from({ length: 64 }, (_, piece) => piece),
  );
  const warm = world.read(blob, { first: 0, count: 32 }, { lane: 'background' });
  for (let round = 0; round < 32; round++) {
    await world.pass(10);
    first.sendAll();
  }
  await warm;
  const reading = world.read(blob, { first: 40, count: 1 });
  await world.settle();
  const second = world.parent('c', [40]);
  await world.pass(450);
  assert.deepEqual(second.askedPieces, [40]);
  second.send(40);
  await reading;
  assert.deepEqual(first.cancelled, [40]);
});

test('the only holder stalls: the scheduler is told that its pieces are late', async t => {
  const { world, blob } = scheduled(t);
  world.parent('b', [0]);
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.pass(4_500);
  assert.deepEqual(world.scheduler.wants, []);
  await world.pass(1_000);
  assert.deepEqual(world.scheduler.wants, [{ pieces: [0], lane: 'background', late: true }]);
});

test('a lessee that never delivers: the piece is wanted again as late, and moves to who gets it then', async t => {
  const { world, blob } = scheduled(t);
  const first = world.parent('b', []);
  const second = world.parent('c', []);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  world.scheduler.events.onLessee('b', [0]);
  await world.pass(2_200);
  assert.deepEqual(world.scheduler.wants.at(-1), { pieces: [0], lane: 'demand', late: true });
  world.scheduler.events.onLessee('c', [0]);
  await world.settle();
  assert.deepEqual([first.askedPieces, first.cancelled, second.askedPieces], [[0], [], []], 'it may be on its way');
  second.events.onHave([0], []);
  await world.settle();
  assert.deepEqual([first.askedPieces, first.cancelled, second.askedPieces], [[], [0], [0]]);
  second.send(0);
  await reading;
});

/** Piece 0 is asked of its lessee, which does not have it yet; nor has the other. */
async function waitingAtLessee(t: TestContext) {
  const { world, blob } = scheduled(t);
  const lessee = world.parent('b', []);
  const other = world.parent('c', []);
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.settle();
  world.scheduler.events.onLessee('b', [0]);
  await world.settle();
  return { world, lessee, other };
}

test('a piece that waits at its lessee stays there when another has got it, until that takes too long', async t => {
  const { world, lessee, other } = await waitingAtLessee(t);
  other.events.onHave([0], []);
  await world.settle();
  assert.deepEqual([lessee.askedPieces, lessee.cancelled, other.askedPieces], [[0], [], []]);
  await world.pass(3 * DEFAULT_SWARM_SETTINGS.stallMs);
  assert.deepEqual([lessee.cancelled, other.askedPieces], [[], []]);
  await world.pass(1.5 * DEFAULT_SWARM_SETTINGS.stallMs);
  assert.deepEqual([lessee.cancelled, other.askedPieces], [[0], [0]]);
});

test('a piece that waits at somebody who is no lessee any more is asked of another that has got it', async t => {
  const { world, lessee, other } = await waitingAtLessee(t);
  world.scheduler.events.onLessee('d', [0]);
  other.events.onHave([0], []);
  await world.settle();
  assert.deepEqual([lessee.cancelled, other.askedPieces], [[0], [0]]);
});

test('a piece that its parent has stays in its queue when another gets it', async t => {
  const { world, blob } = scheduled(t);
  const first = world.parent('b', [0]);
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.settle();
  const other = world.parent('c', []);
  other.events.onHave([0], []);
  await world.settle();
  assert.deepEqual([first.askedPieces, other.askedPieces], [[0], []]);
});

test('with nothing left to ask for, what is stuck in a long queue is asked of an idle parent', async t => {
  const { world, blob } = scheduled(t);
  const crowded = world.parent('b', [0, 1]);
  const first = world.read(blob, { first: 0, count: 1 }, { lane: 'background' });
  await world.pass(1_000);
  crowded.send(0); // a second for each place in its queue
  await first;
  crowded.events.onQueue(5);
  void world.read(blob, { first: 1, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.settle();
  assert.deepEqual(crowded.askedPieces, [1]);
  const idle = world.parent('c', [1]);
  await world.pass(200);
  assert.deepEqual([crowded.askedPieces, idle.askedPieces], [[], [1]]);
});

test('a parent that stalled counts again when it has rested', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0]);
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.pass(5_500);
  assert.deepEqual([parent.askedPieces, world.scheduler.wants.at(-1)?.late], [[], true]);
  await world.pass(5_000);
  assert.deepEqual(parent.askedPieces, [0]);
  world.scheduler.wants.length = 0;
  parent.events.onLost([0], []);
  parent.refuse([0], 'absent');
  await world.settle();
  // It was counted: now nobody has the piece.
  assert.deepEqual(wanted(world), [0]);
});

test('what is demanded and only a stalled parent has stays asked there; when it comes, the parent is used again', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0, 2]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.pass(5_600);
  assert.deepEqual(parent.askedPieces, [0]);
  assert.deepEqual(world.scheduler.wants.at(-1), { pieces: [0], lane: 'demand', late: true });
  void world.read(blob, { first: 2, count: 1 }).catch(() => {});
  await world.settle();
  assert.deepEqual(parent.askedPieces, [0], 'nothing new while it rests');
  parent.send(0);
  assert.equal((await reading).tally.peerBytes, 65_536);
  await world.pass(100);
  assert.deepEqual(parent.askedPieces, [2]);
});

test('a busy parent is left alone for a moment, and others are asked', async t => {
  const { world, blob } = scheduled(t);
  const busy = world.parent('b', [0]);
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  await world.settle();
  const other = world.parent('c', [0]);
  busy.refuse([0], 'busy', ['c']);
  await world.settle();
  assert.deepEqual([busy.askedPieces, other.askedPieces], [[], [0]]);
  other.refuse([0], 'busy');
  await world.pass(400);
  assert.equal(busy.askedPieces.length + other.askedPieces.length, 1);
  assert.deepEqual(world.scheduler.accusations, []);
});

test('a parent that has a piece and is always busy has stalled; one that serves in between has not', async t => {
  const { world, blob } = scheduled(t, { pieces: 64 });
  const never = world.parent('b', [0]);
  const seldom = world.parent(
    'c',
    Array.from({ length: 63 }, (_, index) => index + 1),
  );
  void world.read(blob, { first: 0, count: 64 }).catch(() => {});
  await world.settle();
  for (let round = 0; round < 80; round++) {
    never.refuse(never.askedPieces, 'busy');
    const [first] = seldom.askedPieces;
    if (round % 20 === 19 && first !== undefined) seldom.send(first);
    seldom.refuse(seldom.askedPieces, 'busy');
    await world.pass(100);
  }
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'stalled' }]);
  assert.ok(wanted(world).includes(0));
});

test('a parent that did not have the task is asked again when it gets a lease', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', []);
  parent.events.onDenied('no such task');
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  await world.settle();
  world.scheduler.events.onLessee('b', [0]);
  parent.opened([]);
  await world.settle();
  assert.deepEqual([parent.opens, parent.askedPieces], [2, [0]]);
});

const FAILURES = [
  [new ShoalError('unavailable', '429', { retryAfterMs: 7_000 }), 'busy', 7_000],
  [new ShoalError('unavailable', '502'), 'unreachable', undefined],
  [new ShoalError('unreachable', 'no route'), 'unreachable', undefined],
  [new ShoalError('unauthorized', '403'), 'unauthorized', undefined],
  [new ShoalError('not-found', '404'), 'not-found', undefined],
  [new ShoalError('malformed', 'another range'), 'wrong-bytes', undefined],
  [new ShoalError('no-space', 'full'), 'local', undefined],
] as const;

for (const [error, reason, ms] of FAILURES) {
  test(`a lease that fails with "${error.message}" is reported as ${reason}`, async t => {
    const { world } = scheduled(t);
    world.origin = async function* () {
      yield* [];
      throw error;
    };
    world.scheduler.events.onLease([2, 3], 10_000);
    await world.settle();
    assert.deepEqual(world.scheduler.failures, [{ pieces: [2, 3], reason, ms }]);
    assert.equal(world.scheduler.reported.size, 0);
  });
}

test('an origin that sends less, more, or wrong bytes fails the lease of what is wrong only', async t => {
  const { world } = scheduled(t);
  world.origin = async function* (range) {
    const bytes = world.bytesAt(range);
    if (range.offset === 0) bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
    else yield new Uint8Array(0);
    yield range.offset === 0 ? bytes : bytes.subarray(0, 65_536 + 5);
  };
  world.scheduler.events.onLease([0, 1, 2, 4, 5], 10_000);
  await world.settle();
  assert.deepEqual([...world.scheduler.reported].sort(), [0, 2, 4]);
  assert.deepEqual(
    world.scheduler.failures.map(({ pieces, reason }) => [pieces, reason]),
    [
      [[1], 'wrong-bytes'],
      [[5], 'wrong-bytes'],
    ],
  );
});

test('a range request that brings nothing is given up', async t => {
  const { world } = scheduled(t);
  world.origin = async function* (_range, signal) {
    yield* [];
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  world.scheduler.events.onLease([0], 60_000);
  await world.pass(16_000);
  assert.deepEqual(world.scheduler.failures, [{ pieces: [0], reason: 'unreachable', ms: undefined }]);
});

test('a failed lease is wanted again after a pause', async t => {
  const { world, blob } = scheduled(t);
  world.origin = async function* () {
    yield* [];
    throw new ShoalError('unreachable', 'no route');
  };
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.settle();
  world.scheduler.events.onLease([0], 10_000);
  await world.pass(500);
  assert.deepEqual(wanted(world), [0]);
  await world.pass(1_000);
  assert.deepEqual(wanted(world), [0, 0]);
});

test('the origin is gone and the swarm has everything: reads do not notice', async t => {
  const { world, blob } = scheduled(t);
  world.origin = async function* () {
    yield* [];
    throw new ShoalError('unreachable', 'gone');
  };
  const parent = world.parent('b', [0, 1, 2, 3, 4, 5, 6, 7]);
  const reading = world.read(blob, { first: 0, count: 8 });
  await world.settle();
  parent.sendAll();
  await world.settle();
  parent.sendAll();
  assert.equal((await reading).bytes.length, world.blob.size);
  assert.equal(world.originAsked.length, 0);
});

test('a full disk: the reader gets its bytes, the piece is not offered, a lease is given back', async t => {
  const { world, blob } = scheduled(t);
  world.store.isFull = true;
  const parent = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 2 });
  await world.settle();
  world.scheduler.events.onLease([1], 10_000);
  parent.sendAll();
  assert.deepEqual((await reading).bytes, world.bytesAt({ offset: 0, length: 131_072 }));
  await world.settle();
  assert.equal(world.scheduler.reported.size, 0);
  assert.deepEqual(world.scheduler.failures, [{ pieces: [1], reason: 'local', ms: undefined }]);
  assert.equal(world.swarm.status().tasks[0]?.pieces, 0);
});

test('a piece that was thrown away is said to be lost, and fetched again for the next reader', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0]);
  const first = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  parent.sendAll();
  await first;
  await world.settle();
  assert.deepEqual([...world.scheduler.reported], [0]);
  const again = await world.read(blob, { first: 0, count: 1 });
  assert.equal(again.tally.peerBytes, 65_536);
  for (const box of world.store.boxes) box.evict([0]);
  await world.settle();
  assert.deepEqual(world.scheduler.lostPieces, [0]);
  const third = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  assert.deepEqual(parent.askedPieces, [0]);
  parent.sendAll();
  await third;
});

test('reads that see nothing arrive for half a minute are given back', async t => {
  const { world, blob } = scheduled(t);
  const reading = world.read(blob, { first: 0, count: 1 });
  const rejected = assert.rejects(reading, unavailable);
  await world.pass(31_000);
  await rejected;
});

test('a ban by the scheduler ends the connection, and nothing is asked there', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0]);
  world.scheduler.events.onBan('b', 60_000, 'wrong bytes');
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  await world.settle();
  assert.deepEqual([world.banned, parent.isClosed, wanted(world)], [['b'], true, [0]]);
});
