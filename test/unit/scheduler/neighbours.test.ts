// Who is told about whom, and how a member that waits is brought together with whoever has what it waits for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenInvariants, CoreUnderTest, range } from './core-under-test.ts';

function assertSound(core: CoreUnderTest, pieceCount = 64): void {
  const task = core.task('blob', pieceCount);
  assert.ok(task);
  assert.deepEqual(brokenInvariants(task, core.now), []);
}

/** How many members are reached from the first, from neighbour to neighbour. */
function reached(core: CoreUnderTest): number {
  const first = core.task()?.members.items[0];
  assert.ok(first);
  const seen = new Set([first]);
  for (const member of seen) for (const neighbour of member.neighbours) seen.add(neighbour);
  return seen.size;
}

test('up to 33 members all know all, with their bitmaps and addresses', () => {
  const core = new CoreUnderTest();
  core.connect('seed').join({ has: [1, 2, 3] });
  const nodes = core.crowd(32);
  for (const node of nodes) {
    assert.equal(node.parents.size, 32);
    assert.equal(node.parents.get('seed')?.size, 3);
  }
  const [parents] = nodes[0]?.heard.flatMap(({ parents }) => parents?.add ?? []) ?? [];
  assert.match(parents?.addresses?.[0] ?? '', /^\/ip4\/10\.0\.0\.1\/tcp\/\d+$/);
  assertSound(core);
});

test('beyond that the graph is symmetric, of at most 32 neighbours, and hangs together', () => {
  for (const count of [34, 50, 300]) {
    const core = new CoreUnderTest({ seed: count });
    core.crowd(count);
    assertSound(core);
    assert.equal(reached(core), count);
    for (const { neighbours } of core.task()?.members.items ?? []) assert.ok(neighbours.length >= 8);
  }
});

test('what a node was told of its neighbours is what the scheduler keeps', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(60);
  for (const node of nodes.slice(0, 20)) node.go();
  core.flush();
  for (const member of core.task()?.members.items ?? []) {
    const told = [...(core.nodes.get(member.node.connection)?.parents.keys() ?? [])].sort();
    assert.deepEqual(told, member.neighbours.map(({ node }) => node.peerName).sort());
  }
});

test('when all but 33 have left all know all again', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(80);
  for (const node of nodes.slice(33)) node.go();
  core.flush();
  for (const { neighbours } of core.task()?.members.items ?? []) assert.equal(neighbours.length, 32);
  assertSound(core);
});

test('who stays behind when many leave is given others', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(300);
  for (const node of nodes.slice(60)) node.go();
  core.flush();
  assertSound(core);
  assert.equal(reached(core), 60);
});

test('near ones come first, with some from far away', () => {
  const core = new CoreUnderTest();
  const nodes = range(0, 400).map(i => core.connect(`node-${i}`, { region: `r${i % 4}`, zone: `z${i % 20}` }));
  for (const node of nodes) node.join();
  core.flush();
  let near = 0;
  let far = 0;
  for (const member of core.task()?.members.items ?? []) {
    for (const neighbour of member.neighbours) {
      const distance = member.node.distanceTo(neighbour.node);
      if (distance <= 1) near++;
      if (distance === 3) far++;
    }
  }
  // A twentieth of all are in the same zone, three quarters in other regions.
  assert.ok(near > 0.4 * (near + far), `${near} near, ${far} far`);
  assert.ok(far > 0.1 * (near + far), `${near} near, ${far} far`);
  assert.equal(reached(core), 400);
});

test('two members that have everything are not connected, until one loses something', () => {
  const core = new CoreUnderTest();
  const [a, b] = core.crowd(2, { has: range(0, 64) });
  assert.equal(a?.parents.size, 0);
  a?.lost(5);
  core.flush();
  assert.ok(a?.parents.get('node-1')?.isFull);
  assert.equal(b?.parents.get('node-0')?.size, 63);
});

test('a member that wants a piece is brought together with a holder among many members at once', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(300);
  const holder = core.connect('holder').join({ has: [9] });
  core.flush();
  const waiting = nodes.find(node => !node.parents.has('holder'));
  assert.ok(waiting);
  waiting.want([9]);
  core.flush();
  assert.ok(waiting.parents.get('holder')?.has(9));
  assert.ok(holder.parents.has(waiting.name));
  assert.deepEqual(waiting.leased, []);
  assertSound(core);
});

test('also when the holder has all the neighbours it may have: one of them is swapped', () => {
  const core = new CoreUnderTest();
  core.connect('holder').join({ has: [9] });
  const nodes = core.crowd(300);
  for (const node of nodes.slice(0, 64)) node.want([9]);
  core.flush();
  const holder = core.task()?.members.items.find(({ node }) => node.peerName === 'holder');
  assert.equal(holder?.neighbours.length, 32);
  const stranger = nodes.find(node => !node.parents.has('holder') && node.heard.length > 0);
  stranger?.want([9]);
  core.flush();
  assert.ok(stranger?.parents.has('holder'));
  assertSound(core);
});

test('the one who waits for a piece that somebody far away fetches waits at that one', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(200);
  const [a, b] = [nodes[3], nodes[150]];
  assert.ok(a && b);
  a.want([7]);
  core.flush();
  assert.deepEqual(a.leased, [7]);
  b.want([7]);
  core.flush();
  assert.equal(b.lessees.get(7), a.name);
  assert.ok(b.parents.has(a.name));
});

test('a waiter is woken when a holder joins while nobody may fetch the piece', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(100, { reachesOrigin: false });
  const [waiting] = nodes;
  assert.ok(waiting);
  waiting.want([1]);
  core.flush();
  core.connect('late').join({ has: [1], reachesOrigin: false });
  core.flush();
  assert.ok(waiting.parents.get('late')?.has(1));
});

test('a piece that its only holder lost is leased to who wants it', () => {
  const core = new CoreUnderTest();
  const holder = core.connect('holder').join({ has: [1] });
  const node = core.connect('node').join();
  core.flush();
  node.want([1]);
  core.flush();
  assert.deepEqual(node.leased, []);
  holder.lost(1);
  core.pass(1_200);
  assert.deepEqual(node.leased, [1]);
});

test('a flash crowd of 200 in one task is a graph along which every piece reaches all', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(200);
  for (const node of nodes) node.want([0]);
  core.flush();
  const task = core.task();
  const [lease] = task?.leases.values() ?? [];
  assert.ok(lease);
  const seen = new Set([lease.lessee]);
  for (const member of seen) for (const other of member.neighbours) if (other.wants(0)) seen.add(other);
  assert.equal(seen.size, 200);
});

test('fifty that want something among a thousand are brought together', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(1000);
  const crowd = nodes.filter((_, i) => i % 20 === 0);
  for (const node of crowd) node.want([0]);
  core.flush();
  const [lease] = core.task()?.leases.values() ?? [];
  assert.ok(lease);
  const seen = new Set([lease.lessee]);
  for (const member of seen) for (const other of member.neighbours) if (other.wants(0)) seen.add(other);
  assert.equal(seen.size, 50);
  assertSound(core);
});

test('one that keeps wanting rare pieces swaps at most 32 neighbours in a second', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(300);
  for (const [i, node] of nodes.entries()) if (i > 0) node.gained(i % 64);
  const [restless] = nodes;
  assert.ok(restless);
  const before = restless.heard.length;
  for (let i = 0; i < 50; i++) restless.want(range(0, 64), { late: true });
  core.flush();
  const added = restless.heard.slice(before).flatMap(({ parents }) => parents?.add ?? []);
  assert.ok(added.length <= 32 + 16, `${added.length} new neighbours`);
  assertSound(core);
});
