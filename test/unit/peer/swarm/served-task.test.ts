import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ByteRange, CachedChunks } from '../../../../core/index.ts';
import { isShoalError, PIECE_BYTES, ShoalError } from '../../../../core/index.ts';
import type { ServedTask } from '../../../../peer/ports.ts';
import { taskIdOf } from '../../../../proto/index.ts';
import { FakeSwarm, type FakeSwarmOptions } from '../../../support/fake-swarm.ts';

/** A daemon's cache of chunks, two pieces each. */
class FakeChunks implements CachedChunks {
  readonly verified = new Set<number>();
  readonly #listeners = new Set<() => void>();

  covers(range: ByteRange): boolean {
    return this.verified.has(Math.floor(range.offset / (2 * PIECE_BYTES)));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  pack(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(new Uint8Array([1, 2, 3]));
  }

  verify(chunk: number): void {
    this.verified.add(chunk);
    for (const listener of this.#listeners) listener();
  }
}

function scheduled(t: TestContext, options: FakeSwarmOptions = {}) {
  const world = new FakeSwarm(options);
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  const served = world.swarm.find(taskIdOf(world.blob.digest));
  assert.ok(served);
  return { world, blob, served };
}

function record(served: ServedTask) {
  const seen = { gained: [] as number[], lost: [] as number[], failed: [] as number[], chunks: [] as number[] };
  const stop = served.onChange({
    onGained: (pieces, chunks) => {
      seen.gained.push(...pieces);
      seen.chunks.push(...chunks);
    },
    onLost: pieces => seen.lost.push(...pieces),
    onFailed: pieces => seen.failed.push(...pieces),
  });
  return { seen, stop };
}

test('a piece is served from the turn in which it came, and children are told', async t => {
  const { world, blob, served } = scheduled(t);
  const { seen, stop } = record(served);
  const parent = world.parent('b', [3]);
  const reading = world.read(blob, { first: 3, count: 1 });
  await world.settle();
  assert.ok(served.isComing(3));
  assert.equal(await served.readPiece(3), undefined);
  parent.send(3);
  await reading;
  await world.settle();
  assert.deepEqual(seen.gained, [3]);
  assert.deepEqual(await served.readPiece(3), world.bytesOf(3));
  for (const box of world.store.boxes) box.evict([3]);
  await world.settle();
  assert.deepEqual([seen.lost, served.pieces.has(3)], [[3], false]);
  stop();
});

test('children that wait for a piece are told when it is not coming after all', async t => {
  const { world, blob, served } = scheduled(t);
  const { seen } = record(served);
  world.origin = async function* () {
    yield* [];
    throw new ShoalError('unreachable', 'no route');
  };
  world.scheduler.events.onLease([1], 10_000);
  assert.ok(served.isComing(1));
  await world.settle();
  assert.deepEqual([seen.failed, served.isComing(1)], [[1], false]);
  const stop = new AbortController();
  world.parent('b', [2]);
  const reading = world.read(blob, { first: 2, count: 1 }, { signal: stop.signal });
  await world.settle();
  stop.abort();
  await assert.rejects(reading);
  await world.settle();
  assert.deepEqual(seen.failed, [1, 2]);
});

test('children may wait for what is to be asked of somebody who is not connected yet, as long as the scheduler is there', async t => {
  const { world, served } = scheduled(t);
  const { seen } = record(served);
  world.scheduler.events.onTrace([3]);
  world.scheduler.events.onLessee('b', [3]);
  await world.settle();
  assert.equal(served.isComing(3), true);
  assert.equal(served.isComing(4), false);
  const parent = world.parent('b', []);
  await world.settle();
  assert.deepEqual(parent.askedPieces, [3]);
  parent.events.onDown();
  world.scheduler.events.onDown();
  await world.settle();
  assert.deepEqual([seen.failed, served.isComing(3)], [[3], false]);
});

test('children are told once of a piece that failed in two ways: a second answer would be one to nothing', async t => {
  const { world, blob, served } = scheduled(t);
  const { seen } = record(served);
  // Asked of a lessee, then leased to this node, whose origin is gone while the lessee refuses.
  const lessee = world.parent('b', []);
  void world.read(blob, { first: 1, count: 1 }).catch(() => {});
  await world.settle();
  world.scheduler.events.onLessee('b', [1]);
  await world.settle();
  assert.deepEqual(lessee.askedPieces, [1]);
  const answer = Promise.withResolvers<void>();
  world.origin = async function* () {
    await answer.promise;
    yield new Uint8Array(PIECE_BYTES);
  };
  world.scheduler.events.onLease([1], 10_000);
  await world.settle();
  answer.resolve();
  lessee.refuse([1], 'failed');
  await world.settle();
  assert.deepEqual(seen.failed, [1]);
});

test('a child without a scheduler has a piece fetched from the origin; one that cannot be read is refused', async t => {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  world.join();
  world.scheduler.events.onDown();
  const served = world.swarm.find(taskIdOf(world.blob.digest));
  assert.ok(served);
  assert.ok(served.fetchFor(5, 'demand'));
  assert.ok(served.isComing(5));
  await world.settle();
  assert.deepEqual(await served.readPiece(5), world.bytesOf(5));
  world.origin = async function* () {
    yield* [];
    throw new ShoalError('unauthorized', '403');
  };
  served.fetchFor(6, 'demand');
  await world.settle();
  assert.equal(served.fetchFor(7, 'demand'), false);
});

test('with a scheduler, a piece that a child asks to have fetched is wanted of the scheduler, behind what is read here', async t => {
  const { world, served } = scheduled(t);
  assert.ok(served.fetchFor(5, 'demand'));
  await world.settle();
  assert.deepEqual(world.scheduler.wants, [{ pieces: [5], lane: 'trace', late: false }]);
  assert.equal(world.originAsked.length, 0);
});

test('a child that is turned away is told who else has the piece', async t => {
  const { world, served } = scheduled(t);
  world.parent('b', [1]);
  world.parent('c', [2]);
  assert.deepEqual([served.holders(1), served.holders(3)], [['b'], []]);
});

test('without a table, a piece from a peer is passed on only when its chunks are verified', async t => {
  const chunks = new FakeChunks();
  const { world, blob, served } = scheduled(t, { hasTable: false, chunks });
  const parent = world.parent('b', [0, 1]);
  const reading = world.read(blob, { first: 0, count: 2 });
  await world.settle();
  parent.sendAll();
  await reading;
  await world.pass(200);
  assert.equal(served.pieces.size, 0);
  // Another reader has it all the same, and nobody is asked twice.
  await world.read(blob, { first: 1, count: 1 });
  assert.deepEqual(parent.askedPieces, []);
  chunks.verify(0);
  await world.pass(200);
  assert.deepEqual([...served.pieces], [0, 1]);
  assert.deepEqual([...served.chunks], [0, 1]);
  assert.deepEqual([...world.scheduler.reported].sort(), [0, 1]);
});

test('without a table, a leased piece is passed on at once: its chunk may lie with several lessees', async t => {
  const { world, served } = scheduled(t, { hasTable: false, chunks: new FakeChunks() });
  world.scheduler.events.onLease([0], 10_000);
  await world.settle();
  assert.deepEqual([...served.pieces], [0]);
});

test('without a table, who sent wrong bytes is found by fetching them again from another', async t => {
  const chunks = new FakeChunks();
  const { world, blob, served } = scheduled(t, { hasTable: false, chunks });
  const liar = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  liar.send(0, new Uint8Array(PIECE_BYTES));
  await reading;
  const honest = world.parent('c', [0]);
  blob.distrust(world.rangeOf({ first: 0, count: 1 }));
  await world.settle();
  assert.deepEqual([liar.askedPieces, honest.askedPieces], [[], [0]]);
  assert.deepEqual(world.scheduler.accusations, []);
  const again = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  honest.send(0);
  assert.deepEqual((await again).bytes, world.bytesOf(0));
  chunks.verify(0);
  await world.pass(200);
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'wrong-bytes' }]);
  assert.deepEqual([world.banned, [...served.pieces]], [['b'], [0]]);
});

test('without a table, who sent the same as the right bytes is not accused', async t => {
  const chunks = new FakeChunks();
  const { world, blob } = scheduled(t, { hasTable: false, chunks });
  const first = world.parent('b', [0]);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  first.send(0);
  await reading;
  const second = world.parent('c', [0]);
  blob.distrust(world.rangeOf({ first: 0, count: 1 }));
  await world.settle();
  second.send(0);
  await world.settle();
  chunks.verify(0);
  await world.pass(200);
  assert.deepEqual([world.scheduler.accusations, world.banned], [[], []]);
});

const PLACE = { offset: 100, compressedSize: 100_000, uncompressedSize: 300_000 };

test('a chunk is read from a peer that has all of it, and from the next when that one does not send it', async t => {
  const { world, blob } = scheduled(t);
  const signal = new AbortController().signal;
  const half = world.parent('b', [], [0]);
  assert.equal(await blob.readChunk(PLACE, { lane: 'demand', signal }), undefined);
  const refuses = world.parent('c', [], [0, 1]);
  await assert.rejects(blob.readChunk(PLACE, { lane: 'demand', signal }), error => isShoalError(error, 'unavailable'));
  assert.equal(await blob.readChunk(PLACE, { lane: 'demand', signal }), undefined);
  const sends = world.parent('d', [], [0, 1]);
  sends.chunkAnswer = () => Promise.resolve(new Uint8Array([7]));
  assert.deepEqual(await blob.readChunk(PLACE, { lane: 'demand', signal }), new Uint8Array([7]));
  assert.deepEqual(
    [half, refuses, sends].map(parent => parent.chunkRequests.length),
    [0, 1, 1],
  );
});

test('chunks of the cache are offered and packed', async t => {
  const chunks = new FakeChunks();
  const { world, served } = scheduled(t, { chunks });
  const { seen } = record(served);
  chunks.verify(1);
  await world.pass(200);
  assert.deepEqual(
    [seen.chunks, [...served.chunks]],
    [
      [2, 3],
      [2, 3],
    ],
  );
  assert.deepEqual(await served.packChunk(PLACE, new AbortController().signal), new Uint8Array([1, 2, 3]));
});

test('a blob is served on after the last reader left, for a while; joined again it has its pieces', async t => {
  const { world, blob } = scheduled(t);
  const second = world.join();
  world.scheduler.events.onLease([0], 10_000);
  await world.settle();
  blob.leave();
  blob.leave();
  const taskId = taskIdOf(world.blob.digest);
  assert.ok(world.swarm.find(taskId));
  assert.equal(world.swarm.status().idleTasks, 0);
  second.leave();
  assert.equal(world.swarm.status().idleTasks, 1);
  const third = world.join();
  assert.equal((await world.read(third, { first: 0, count: 1 })).tally.originBytes, PIECE_BYTES);
  assert.equal(world.originAsked.length, 1);
  third.leave();
  await world.clock.advance(31 * 60_000);
  assert.equal(world.swarm.find(taskId), undefined);
  assert.ok(world.scheduler.hasLeft);
  assert.equal(world.provided.size, 0);
  assert.equal(world.store.boxes.size, 0);
});

test('of more idle blobs than are kept, the one left longest ago goes', t => {
  const world = new FakeSwarm({ settings: { idleBlobs: 0 } });
  t.after(() => world.swarm.close());
  const blob = world.join();
  assert.equal(world.swarm.status().tasks.length, 1);
  blob.leave();
  assert.equal(world.swarm.status().tasks.length, 0);
});

test('reads of a swarm that shuts down are given back', async t => {
  const { world, blob } = scheduled(t);
  const reading = world.read(blob, { first: 0, count: 1 });
  const rejected = assert.rejects(reading, error => isShoalError(error, 'unavailable'));
  world.swarm.close();
  await rejected;
  await assert.rejects(world.read(blob, { first: 0, count: 1 }), error => isShoalError(error, 'unavailable'));
});
