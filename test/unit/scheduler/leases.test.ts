// Who is sent to the origin for what.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WireAccusation, WireLeaseFailure } from '../../../proto/index.ts';
import { BACKGROUND, CoreUnderTest, DEMAND, type NodeUnderTest, range, TRACE } from './core-under-test.ts';

/** Each brings what it was told to fetch, after so many ms, until there are no more leases. Returns who brought what. */
function bringAll(test: CoreUnderTest, nodes: readonly NodeUnderTest[], ms = 10): Map<string, number[]> {
  const brought = new Map<string, number[]>();
  for (let rounds = 0; rounds < 1000; rounds++) {
    test.flush();
    const leases = nodes.filter(node => !node.isClosed).map(node => ({ node, pieces: node.takeLeases() }));
    if (leases.every(({ pieces }) => pieces.length === 0)) return brought;
    test.now += ms;
    for (const { node, pieces } of leases) {
      if (pieces.length === 0) continue;
      node.gained(...pieces);
      brought.set(node.name, [...(brought.get(node.name) ?? []), ...pieces]);
    }
  }
  throw new Error('leases never end');
}

function holderOf(nodes: readonly NodeUnderTest[], piece: number): NodeUnderTest {
  const holder = nodes.find(node => node.leased.includes(piece));
  assert.ok(holder, `nobody was told to fetch ${piece}`);
  return holder;
}

test('consecutive pieces that several want are leased to different members, each piece once', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4);
  for (const node of nodes) node.want(range(0, 16));
  core.flush();
  // Three at a time while somebody waits for them.
  assert.deepEqual(nodes.map(node => node.leased.length).sort(), [0, 1, 1, 1]);
  assert.deepEqual(
    nodes.flatMap(node => node.leased).sort((a, b) => a - b),
    [0, 1, 2],
  );
  const brought = bringAll(core, nodes);
  assert.deepEqual(
    [...brought.values()].map(pieces => pieces.length),
    [4, 4, 4, 4],
  );
  assert.deepEqual(
    [...brought.values()].flat().sort((a, b) => a - b),
    range(0, 16),
  );
});

test('the neighbours of a lessee are told whom to ask, the lessee is not', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(3);
  for (const node of nodes) node.want(range(0, 32));
  core.flush();
  const lessee = holderOf(nodes, 1);
  for (const node of nodes) assert.equal(node.lessees.get(1), node === lessee ? undefined : lessee.name);
});

test('demand is leased before traces, traces before background, and within a lane in the order of the wants', () => {
  const core = new CoreUnderTest();
  const [node] = core.crowd(1);
  assert.ok(node);
  node
    .want([1], { lane: BACKGROUND })
    .want([2], { lane: TRACE })
    .want([9], { lane: DEMAND })
    .want([3], { lane: DEMAND });
  core.flush();
  assert.deepEqual(node.leased, [9, 3, 2, 1]);
});

test('a piece that waits in the background is leased at once when somebody demands it', () => {
  const core = new CoreUnderTest();
  const [node, other] = core.crowd(2);
  assert.ok(node && other);
  node.want(range(0, 64), { lane: BACKGROUND });
  other.want([60]);
  core.flush();
  assert.ok([node, other].some(({ leased }) => leased[0] === 60));
});

test('a piece that is wanted again and by others is leased once', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(3);
  for (const node of [...nodes, ...nodes]) node.want([7]);
  core.flush();
  for (const node of nodes) node.want([7]);
  core.flush();
  assert.deepEqual(
    nodes.flatMap(node => node.leased),
    [7],
  );
});

test('a piece that somebody has is not leased', () => {
  const core = new CoreUnderTest();
  const [holder, node] = [core.connect('holder').join({ has: [3] }), core.connect('node').join()];
  core.flush();
  node.want([3]);
  core.flush();
  assert.deepEqual([...holder.leased, ...node.leased], []);
  assert.ok(node.parents.get('holder')?.has(3));
});

test('leases of a member that leaves go to another at once', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(2);
  for (const node of nodes) node.want([0]);
  core.flush();
  const first = holderOf(nodes, 0);
  const other = nodes.find(node => node !== first);
  first.go();
  core.flush();
  assert.deepEqual(other?.leased, [0]);
});

test('a lease that is not done at its deadline goes to another, and the late one may still bring the piece', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(2);
  for (const node of nodes) node.want([0]);
  core.flush();
  const slow = holderOf(nodes, 0);
  const other = nodes.find(node => node !== slow);
  core.pass(9_900);
  assert.deepEqual(other?.leased, []);
  core.pass(200);
  assert.deepEqual(other?.leased, [0]);
  assert.equal(slow.lessees.get(0), other?.name);
  slow.gained(0);
  assert.ok(core.task()?.isHeld(0));
  other?.gained(0);
  core.flush();
  assert.equal(core.task()?.leases.size, 0);
});

test('a piece that failed is leased to another, and the one that failed rests, longer each time', () => {
  const core = new CoreUnderTest();
  const [a, b] = core.crowd(2);
  assert.ok(a && b);
  a.want([0]);
  core.flush();
  b.want([0]);
  a.leaseFailed(a.takeLeases(), WireLeaseFailure.LEASE_FAILED_UNREACHABLE);
  core.flush();
  assert.deepEqual(b.takeLeases(), [0]);
  b.leaseFailed([0], WireLeaseFailure.LEASE_FAILED_UNREACHABLE);
  core.flush();
  assert.deepEqual([...a.leased, ...b.leased], []);
  core.pass(1_400);
  const [again] = [a, b].filter(node => node.leased.length > 0);
  assert.deepEqual(again?.takeLeases(), [0]);
});

test('when all say that the origin cannot be reached they are asked ever more seldom', () => {
  const core = new CoreUnderTest();
  const [node] = core.crowd(1);
  assert.ok(node);
  node.want([0]);
  core.flush();
  const times: number[] = [];
  for (const end = core.now + 120_000; core.now < end; core.pass(100)) {
    if (node.takeLeases().length === 0) continue;
    times.push(core.now);
    node.leaseFailed([0], WireLeaseFailure.LEASE_FAILED_UNREACHABLE);
  }
  assert.ok(times.length >= 5 && times.length <= 9, `asked ${times.length} times in two minutes`);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert.ok((gaps.at(-1) ?? 0) > 8 * (gaps[0] ?? 0), `gaps of ${gaps.join(', ')} ms`);
});

test('after "busy" nobody is given leases of the task until then, and all who want it are told', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(3);
  for (const node of nodes) node.want(range(0, 8));
  core.flush();
  const lessee = holderOf(nodes, 0);
  const before = nodes.flatMap(node => node.takeLeases());
  lessee.leaseFailed([0], WireLeaseFailure.LEASE_FAILED_BUSY, 3_000);
  core.pass(2_900);
  assert.deepEqual(
    nodes.flatMap(node => node.leased),
    [],
  );
  assert.deepEqual(
    nodes.map(node => node.holdMs),
    [3_000, 3_000, 3_000],
  );
  for (const node of nodes) node.gained(...before.filter(piece => piece !== 0));
  core.pass(200);
  assert.ok(nodes.flatMap(node => node.leased).includes(0));
});

test('a node without a lease cannot stop the task by saying "busy", and one that has one for a minute at most', () => {
  const core = new CoreUnderTest();
  const [liar, node] = core.crowd(2);
  assert.ok(liar && node);
  liar.leaseFailed([0], WireLeaseFailure.LEASE_FAILED_BUSY, 4_000_000);
  node.want([0]);
  core.flush();
  assert.deepEqual(node.leased, [0]);
  liar.want([1]);
  core.flush();
  liar.leaseFailed([1], WireLeaseFailure.LEASE_FAILED_BUSY, 4_000_000);
  core.flush();
  assert.equal(node.holdMs, 60_000);
});

test('a member that may not read the task is given no lease of it any more', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(2);
  for (const node of nodes) node.want(range(0, 20));
  core.flush();
  const [outcast, other] = nodes;
  assert.ok(outcast && other);
  outcast.leaseFailed([outcast.leased[0] ?? 0], WireLeaseFailure.LEASE_FAILED_UNAUTHORIZED);
  outcast.takeLeases();
  bringAll(core, [other]);
  core.pass(70_000);
  assert.deepEqual(outcast.leased, []);
});

test('when nobody finds it at the origin nobody is sent there for a while', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(2);
  for (const node of nodes) node.want([0]);
  for (let i = 0; i < 2; i++) {
    core.flush();
    for (const node of nodes) node.leaseFailed(node.takeLeases(), WireLeaseFailure.LEASE_FAILED_NOT_FOUND);
  }
  core.pass(44_000);
  assert.deepEqual(
    nodes.flatMap(node => node.leased),
    [],
  );
  core.pass(31_000);
  assert.notEqual(nodes.flatMap(node => node.leased).length, 0);
});

test('where nobody who wants a piece reaches the origin, somebody near who does fetches it', () => {
  const core = new CoreUnderTest();
  const inside = core.connect('inside').join({ reachesOrigin: false });
  const outside = core.connect('outside').join();
  core.flush();
  inside.want([4]);
  core.flush();
  assert.deepEqual(outside.leased, [4]);
  assert.equal(inside.lessees.get(4), 'outside');
});

test('one who is alone is given runs that grow from two pieces on', () => {
  const core = new CoreUnderTest();
  const [node] = core.crowd(1, { pieceCount: 4096 });
  assert.ok(node);
  node.want(range(0, 4096));
  core.flush();
  assert.deepEqual(node.leased, [0, 1]);
  let longest = 0;
  for (let round = 0; round < 12; round++) {
    core.now += 50;
    node.gained(...node.takeLeases());
    const before = node.heard.length;
    core.flush();
    for (const { lease } of node.heard.slice(before)) longest = Math.max(longest, lease?.runs?.[1] ?? 0);
  }
  assert.ok(longest >= 64 && longest <= 256, `longest run: ${longest}`);
});

test('of a small blob that all want, the first who says so fetches two pieces, and the others the next', () => {
  const core = new CoreUnderTest();
  const [first, ...others] = core.crowd(4, { pieceCount: 10 });
  assert.ok(first);
  first.want(range(0, 10));
  core.flush();
  core.now += 150;
  for (const node of others) node.want(range(0, 10));
  core.flush();
  assert.deepEqual([...others.flatMap(node => node.leased), ...first.leased], [2, 0, 1], 'one more, for the crowd');
  first.gained(0);
  core.flush();
  const theirs = others.flatMap(node => node.leased).sort((a, b) => a - b);
  assert.deepEqual(
    [first.leased, theirs.slice(0, 2)],
    [
      [0, 1],
      [2, 3],
    ],
  );
});

test('a second lease for a late piece is given once per interval, to the one who waits; the others go on waiting where they did', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(3);
  for (const node of nodes) node.want([0]);
  core.flush();
  const lessee = holderOf(nodes, 0);
  lessee.takeLeases();
  const [waiting, other] = nodes.filter(node => node !== lessee);
  assert.ok(waiting && other);
  const source = other.lessees.get(0);
  assert.ok(source);
  core.pass(1_000);
  waiting.want([0], { late: true });
  core.flush();
  assert.deepEqual(waiting.leased, [], 'too soon');
  core.pass(1_500);
  waiting.want([0], { late: true });
  other.want([0], { late: true });
  core.flush();
  assert.deepEqual([waiting.takeLeases(), other.takeLeases()], [[0], []]);
  assert.equal(other.lessees.get(0), source);
});

test('a piece that was fetched a moment ago is not late: the word was under way, or the first copies are', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(3);
  for (const node of nodes) node.want([0]);
  core.flush();
  const lessee = holderOf(nodes, 0);
  const waiting = nodes.find(node => node !== lessee);
  assert.ok(waiting);
  core.pass(1_500);
  lessee.takeLeases();
  lessee.gained(0);
  waiting.want([0], { late: true });
  core.flush();
  assert.deepEqual(waiting.takeLeases(), []);
  core.pass(4_600);
  waiting.want([0], { late: true });
  core.flush();
  assert.deepEqual(waiting.takeLeases(), [0]);
});

test('what only one is said to have who never brought anything is leased as soon as it is late, however much it is', () => {
  for (const hasServed of [false, true]) {
    const core = new CoreUnderTest();
    const seed = core.connect('seed').join({ has: range(0, 64) });
    const [node, other] = core.crowd(2);
    assert.ok(node && other);
    const parents = [{ peerId: seed.peerId, pieces: 1, milliseconds: 10, failures: 0 }];
    if (hasServed) other.say({ report: { parents, freeSlots: 4 } });
    node.want(range(0, 32));
    core.pass(2_000);
    assert.deepEqual(node.takeLeases(), [], 'the seed may still send it');
    node.want(range(0, 32), { late: true });
    core.flush();
    assert.equal(node.takeLeases().length, 2, 'so soon after a restart nobody has shown anything');
    core.pass(3_000);
    node.want(range(0, 32), { late: true });
    core.flush();
    assert.equal(node.takeLeases().length, hasServed ? 0 : 30);
  }
});

test('however many wants are late, second leases stay below five in a hundred', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4, { pieceCount: 1024 });
  for (const node of nodes) node.want(range(0, 1024));
  let leases = 0;
  for (let round = 0; core.task('blob', 1024)?.wanting.size !== 0; round++) {
    assert.ok(round < 2000, 'it never ends');
    core.flush();
    core.pass(2_100);
    const due = nodes.map(node => node.takeLeases());
    leases += due.flat().length;
    // All cry for all that is under way.
    for (const node of nodes)
      node.want(
        [...new Set(due.flat())].sort((a, b) => a - b),
        { late: true },
      );
    core.flush();
    const more = nodes.map(node => node.takeLeases());
    leases += more.flat().length;
    for (const node of nodes) node.gained(...due.flat(), ...more.flat());
  }
  assert.ok(leases >= 1024 && leases <= 1024 * 1.05 + 10, `${leases} leases for 1024 pieces`);
});

test('a node that several say is stalled gets leases only when nobody else can have them', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4);
  const [stalled, ...others] = nodes;
  assert.ok(stalled);
  for (const node of others) node.accuse(stalled, WireAccusation.ACCUSE_STALLED);
  for (const node of nodes) node.want(range(0, 16));
  assert.deepEqual(bringAll(core, nodes).get(stalled.name) ?? [], []);
  for (const node of others) node.go();
  stalled.want(range(16, 20));
  core.flush();
  assert.deepEqual(stalled.takeLeases(), range(16, 20));
});

test('what only a stalled node has is leased again without counting as congestion, a quarter of the leases at most', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4, { pieceCount: 64 });
  const [stalled, ...others] = nodes;
  assert.ok(stalled);
  stalled.gained(...range(0, 32));
  for (const node of others) node.want(range(32, 64));
  bringAll(core, nodes);
  const late = () => {
    for (const node of others) node.want(range(0, 32), { late: true });
    core.flush();
    return others.flatMap(node => node.takeLeases()).length;
  };
  assert.ok(late() <= 3, 'two, and three of a hundred');
  for (const node of others) node.accuse(stalled, WireAccusation.ACCUSE_STALLED);
  const more = late();
  assert.ok(more >= 6 && more <= 12, `${more} more of the 32 leases so far`);
});
