import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isShoalError, ShoalError } from '../../../../core/index.ts';
import { demandPatience, Owners } from '../../../../peer/swarm/alone.ts';
import { ownersOf } from '../../../../peer/swarm/rendezvous.ts';
import { taskIdOf } from '../../../../proto/index.ts';
import { FakeSwarm } from '../../../support/fake-swarm.ts';

const unavailable = (error: unknown) => isShoalError(error, 'unavailable');

function alone(t: TestContext, found: string[] = []) {
  const world = new FakeSwarm({ pieces: 32 });
  t.after(() => world.swarm.close());
  world.found = found;
  const blob = world.join();
  world.scheduler.events.onDown();
  const taskId = taskIdOf(world.blob.digest);
  /** A piece whose owners come in this order. */
  const pieceOf = (owners: readonly string[]) => {
    const all = Array.from({ length: 32 }, (_, piece) => piece);
    const found = all.find(piece => String(ownersOf(taskId, piece, [...owners].sort())) === String(owners));
    if (found === undefined) throw new Error(`no piece for ${owners}`);
    return { first: found, count: 1 };
  };
  return { world, blob, pieceOf };
}

test('every node puts the peers into the same order, whatever order it knows them in', () => {
  const taskId = taskIdOf(new FakeSwarm().blob.digest);
  assert.deepEqual(ownersOf(taskId, 7, ['a', 'b', 'c']), ownersOf(taskId, 7, ['c', 'a', 'b']));
  const first = new Set(Array.from({ length: 64 }, (_, piece) => ownersOf(taskId, piece, ['a', 'b', 'c'])[0]));
  assert.equal(first.size, 3);
});

test('with nobody at all a read is given back at once', async t => {
  const { world, blob } = alone(t);
  const rejected = assert.rejects(world.read(blob, { first: 0, count: 1 }), unavailable);
  await world.settle();
  await rejected;
});

test('a scheduler that says nothing is waited for, but not for long', async t => {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  const blob = world.join();
  let isOver = false;
  const rejected = assert.rejects(world.read(blob, { first: 0, count: 1 }), unavailable).then(() => {
    isOver = true;
  });
  await world.pass(300);
  assert.equal(isOver, false);
  await world.pass(500);
  await rejected;
});

test('without a scheduler peers are searched for, and asked for what they have', async t => {
  const { world, blob } = alone(t, ['b']);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.settle();
  world.peer('b').opened([0]);
  await world.settle();
  assert.deepEqual(world.peer('b').asked, [{ piece: 0, lane: 'demand', mayFetch: false }]);
  world.peer('b').sendAll();
  await reading;
});

test('what nobody has is asked of its owner, who may fetch it, and of the next one after a second', async t => {
  const { world, blob, pieceOf } = alone(t, ['b', 'c']);
  const pieces = pieceOf(['b', 'c', 'me']);
  const reading = world.read(blob, pieces);
  await world.settle();
  world.peer('b').opened([]);
  world.peer('c').opened([]);
  await world.settle();
  assert.deepEqual(world.peer('b').asked, [{ piece: pieces.first, lane: 'demand', mayFetch: true }]);
  assert.deepEqual(world.peer('c').asked, []);
  await world.pass(1_200);
  assert.deepEqual(world.peer('c').askedPieces, [pieces.first]);
  assert.equal(world.originAsked.length, 0);
  world.peer('c').sendAll();
  await reading;
});

test('where owners usually take longer, the next one is asked later, but within five seconds', () => {
  for (const [tookMs, waitMs] of [
    [200, 1_000],
    [3_000, 3_000],
    [60_000, 5_000],
  ] as const) {
    const owners = new Owners(taskIdOf(new FakeSwarm().blob.digest));
    const peers = ['a', 'b', 'c'];
    for (let piece = 0; piece < 32; piece++) {
      owners.next(piece, peers, { ms: 0, waitMs: 1_000, isFree: false });
      owners.arrived(piece, tookMs);
      owners.forget(piece);
    }
    assert.equal(demandPatience(owners.usualMs, { ownerMs: 1_000, patientOwnerMs: 5_000 }), waitMs);
  }
  assert.equal(demandPatience(undefined, { ownerMs: 1_000, patientOwnerMs: 5_000 }), 1_000);
});

test('where this node is the owner it goes to the origin, and its pieces are offered to others', async t => {
  const { world, blob, pieceOf } = alone(t, ['b']);
  const pieces = pieceOf(['me', 'b']);
  const reading = world.read(blob, pieces);
  await world.settle();
  world.peer('b').opened([]);
  assert.equal((await reading).tally.originBytes, 65_536);
  assert.deepEqual(world.peer('b').asked, []);
  await world.settle();
  assert.equal(world.provided.size, 1);
});

test('an owner that refuses is passed over at once; when all have, the read is given back', async t => {
  const { world, blob, pieceOf } = alone(t, ['b']);
  world.origin = async function* () {
    yield* [];
    throw new ShoalError('unreachable', 'no route');
  };
  const pieces = pieceOf(['b', 'me']);
  const rejected = assert.rejects(world.read(blob, pieces), unavailable);
  await world.settle();
  world.peer('b').opened([]);
  await world.settle();
  world.peer('b').refuse([pieces.first], 'absent');
  await world.pass(200);
  await rejected;
  assert.equal(world.originAsked.length, 1);
});

test('a scheduler that comes back is told demand at once, and the background spread over a second', async t => {
  const { world, blob } = alone(t, ['b']);
  void world.read(blob, { first: 0, count: 1 }, { lane: 'background' }).catch(() => {});
  await world.settle();
  // It does not answer: both reads wait.
  const demand = world.read(blob, { first: 1, count: 1 });
  demand.catch(() => {});
  await world.settle();
  world.clock.nextRandom = 0.5;
  world.scheduler.events.onUp();
  await world.settle();
  assert.deepEqual(
    world.scheduler.wants.map(({ lane }) => lane),
    ['demand'],
  );
  await world.pass(400);
  assert.equal(world.scheduler.wants.length, 1);
  await world.pass(300);
  assert.deepEqual(
    world.scheduler.wants.map(({ lane }) => lane),
    ['demand', 'background'],
  );
});

test('the parents of before go on serving when the scheduler is gone', async t => {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  const parent = world.parent('b', [0, 1]);
  world.scheduler.events.onDown();
  const reading = world.read(blob, { first: 0, count: 2 });
  await world.settle();
  parent.sendAll();
  assert.equal((await reading).tally.peerBytes, 131_072);
});
