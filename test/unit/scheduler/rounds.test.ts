// How much the core does and says at a time: a flush is bounded, nobody waits for somebody else's long list, and a node that
// does not read is told how things are when it does, not all that happened meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SchedulerEffect } from '../../../scheduler/core/events.ts';
import { BACKGROUND, CoreUnderTest, type NodeUnderTest, range } from './core-under-test.ts';

/** One flush, not as many as are due. */
function flushOnce(core: CoreUnderTest): readonly SchedulerEffect[] {
  const effects = core.core.handle({ kind: 'flush' }, core.now);
  core.apply(effects);
  return effects;
}

function flow(core: CoreUnderTest, node: NodeUnderTest, kind: 'blocked' | 'flowing'): void {
  core.apply(core.core.handle({ kind, connection: node.connection }, core.now));
}

test('after a crowd has joined a flush does a small part, and in the end all know somebody', () => {
  const core = new CoreUnderTest();
  const nodes = range(0, 600).map(i => core.connect(`node-${i}`).join());
  assert.equal(core.core.isBehind, false);
  let flushes = 0;
  do {
    const said = flushOnce(core).length;
    assert.ok(said < 200, `${said} messages in one flush`);
    flushes++;
  } while (core.core.isBehind);
  assert.ok(flushes > 20, `${flushes} flushes`);
  core.flush();
  for (const node of nodes) assert.ok(node.parents.size >= 8, `${node.name} has ${node.parents.size} parents`);
});

test('while a crowd is given neighbours, a lease in another task is granted with the next flush', () => {
  const core = new CoreUnderTest();
  for (const i of range(0, 2000)) core.connect(`node-${i}`).join();
  flushOnce(core);
  const alone = core.connect('alone').join({ task: 'other' }).want([1]);
  core.now += 5;
  flushOnce(core);
  assert.deepEqual(alone.leased, [1]);
  assert.ok(core.core.isBehind);
});

test('a want of a GiB is looked at in turns: others get their leases meanwhile, and all of it is had', () => {
  const core = new CoreUnderTest();
  const pieceCount = 16_384;
  const [greedy, holder] = core.crowd(2, { pieceCount });
  assert.ok(greedy && holder);
  holder.gained(...range(0, pieceCount / 2));
  greedy.want(range(0, pieceCount), { lane: BACKGROUND });
  const other = core.connect('other').join({ task: 'other' }).want([3]);
  core.now += 5;
  flushOnce(core);
  assert.deepEqual(other.leased, [3]);
  assert.ok(core.core.isBehind);
  for (let rounds = 0; (core.task('blob', pieceCount)?.wanting.size ?? 0) > 0; rounds++) {
    assert.ok(rounds < 5000, 'still wanted');
    core.pass(100);
    greedy.gained(...greedy.takeLeases());
    greedy.gained(...range(0, pieceCount / 2));
  }
});

test('a node that does not read is told nothing, and then how things are', () => {
  const core = new CoreUnderTest();
  const [deaf, staying, leaving] = core.crowd(3);
  assert.ok(deaf && staying && leaving);
  deaf.heard.length = 0;
  flow(core, deaf, 'blocked');
  leaving.go();
  for (const i of range(0, 200)) {
    const passing = core.connect(`passing-${i}`).join();
    core.flush();
    passing.go();
    core.flush();
  }
  core.connect('new').join();
  core.flush();
  assert.equal(deaf.heard.length, 0);
  assert.equal(core.core.hasNews, false);
  flow(core, deaf, 'flowing');
  core.flush();
  assert.deepEqual([...deaf.parents.keys()].sort(), ['new', staying.name].sort());
  assert.equal(deaf.heard.length, 1);
  assert.deepEqual(deaf.heard[0]?.parents?.remove, [leaving.peerId]);
});

test('a lease that went to another before its lessee read of it is not told to it any more', () => {
  const core = new CoreUnderTest();
  const deaf = core.connect('deaf').join();
  core.flush();
  flow(core, deaf, 'blocked');
  deaf.want([1]);
  core.flush();
  const other = core.connect('other').join();
  other.want([1]);
  core.pass(12_000);
  assert.deepEqual(other.leased, [1]);
  other.gained(1);
  flow(core, deaf, 'flowing');
  core.flush();
  assert.deepEqual(deaf.leased, []);
  assert.ok(deaf.parents.get('other')?.has(1));
});
