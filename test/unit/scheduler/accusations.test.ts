// What accusations lead to: an honest accuser is protected at once, a liar among several is banned soon, and one liar has
// nobody banned.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WireAccusation } from '../../../proto/index.ts';
import { CoreUnderTest, type NodeUnderTest, range } from './core-under-test.ts';

const { ACCUSE_WRONG_BYTES, ACCUSE_LYING_BITMAP, ACCUSE_STALLED } = WireAccusation;

/** The first of them is the one to be accused. */
function crowdOf(core: CoreUnderTest, count: number): [NodeUnderTest, ...NodeUnderTest[]] {
  const [accused, ...others] = core.crowd(count, { has: range(0, 8) });
  assert.ok(accused);
  return [accused, ...others];
}

test('a peer that three others accuse of wrong bytes is banned, all are told, and it is turned away for ten minutes', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 8);
  for (const node of others.slice(0, 2)) node.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  assert.equal(liar.closedFor, undefined);
  others[2]?.accuse(liar, ACCUSE_WRONG_BYTES, 2);
  assert.equal(liar.closedFor, 'banned');
  for (const node of others) assert.deepEqual(node.bans, [liar.name]);
  assert.match(core.connect(liar.name).closedFor ?? '', /^banned for 600 s more$/);
  core.now += 600_001;
  assert.equal(core.connect(liar.name).closedFor, undefined);
});

test('a node that connects later is told who is banned', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 5);
  for (const node of others) node.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  assert.deepEqual(core.connect('newcomer').bans, [liar.name]);
});

test('a second ban is twice as long', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 5);
  for (const node of others) node.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  core.now += 700_000;
  const again = core.connect(liar.name).join({ has: range(0, 8) });
  core.pass(100);
  for (const node of others) node.accuse(again, ACCUSE_WRONG_BYTES, 1);
  assert.equal(core.core.bannedForMs(again.peerId, core.now), 1_200_000);
});

test('one accuser alone has nobody banned, whatever it says and however often', () => {
  for (const count of [2, 3, 4, 8, 40]) {
    const core = new CoreUnderTest();
    const nodes = core.crowd(count, { has: range(0, 8) });
    const [accuser, ...others] = nodes;
    for (let i = 0; i < 20; i++) for (const node of others) accuser?.accuse(node, ACCUSE_WRONG_BYTES, i);
    assert.deepEqual(
      others.filter(node => node.isClosed),
      [],
      `among ${count}`,
    );
    assert.deepEqual(
      nodes.flatMap(node => node.bans),
      [],
    );
  }
});

test('accuser and accused are kept apart from the first wrong piece on, and nobody else from either', () => {
  const core = new CoreUnderTest();
  const [a, b, c] = crowdOf(core, 3);
  assert.ok(b && c);
  b.accuse(a, ACCUSE_WRONG_BYTES, 1);
  core.pass(5_000);
  assert.deepEqual([...b.parents.keys()], [c.name]);
  assert.deepEqual([...a.parents.keys()], [c.name]);
  assert.equal(c.parents.size, 2);
});

test('two who are kept apart each get from the origin what only the other has', () => {
  const core = new CoreUnderTest();
  const [liar, node] = [core.connect('liar').join({ has: range(0, 64) }), core.connect('node').join()];
  core.flush();
  node.want([1, 2]);
  node.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  core.pass(1_500);
  assert.deepEqual(node.takeLeases().sort(), [1, 2]);
  node.want([3]);
  core.flush();
  assert.deepEqual(node.takeLeases(), [3]);
});

test('where only three know each other two must agree', () => {
  const core = new CoreUnderTest();
  const [liar, b, c] = crowdOf(core, 3);
  b?.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  assert.equal(liar.isClosed, false);
  c?.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  assert.equal(liar.isClosed, true);
});

test('accusations more than ten minutes apart are not added up', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 8);
  for (const node of others.slice(0, 5)) {
    node.accuse(liar, ACCUSE_WRONG_BYTES, 1);
    core.now += 301_000;
  }
  assert.equal(liar.isClosed, false);
});

test('a bitmap that lies four times towards three is banned, and from the first time on not believed about the piece', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 8);
  const [a, b, c] = others;
  assert.ok(a && b && c);
  for (const [i, node] of [a, b, c].entries()) node.accuse(liar, ACCUSE_LYING_BITMAP, i);
  const member = core.task()?.members.items.find(({ node }) => node.peerName === liar.name);
  assert.deepEqual(
    range(0, 4).map(piece => member?.pieces.has(piece)),
    [false, false, false, true],
  );
  assert.equal(liar.isClosed, false);
  a.accuse(liar, ACCUSE_LYING_BITMAP, 4);
  assert.equal(liar.isClosed, true);
});

test('a piece that only a liar said it had is leased at once when that is known', () => {
  const core = new CoreUnderTest();
  const liar = core.connect('liar').join({ has: [1] });
  const node = core.connect('node').join();
  core.flush();
  node.want([1]);
  core.flush();
  assert.deepEqual(node.leased, []);
  node.accuse(liar, ACCUSE_LYING_BITMAP, 1);
  core.flush();
  assert.deepEqual([...node.leased, ...liar.leased], [1]);
});

test('a stalled peer is banned when several say so often, one that serves others is not', () => {
  for (const serves of [false, true]) {
    const core = new CoreUnderTest();
    const [slow, ...others] = crowdOf(core, 8);
    if (serves) others[6]?.say({ report: { parents: [{ peerId: slow.peerId, pieces: 16, milliseconds: 9000 }] } });
    for (const node of others.slice(0, 4)) for (let i = 0; i < 3; i++) node.accuse(slow, ACCUSE_STALLED, i);
    assert.equal(slow.isClosed, !serves);
  }
});

test('one who accuses many alone does not count towards the ban of another', () => {
  const core = new CoreUnderTest();
  const [target, noisy, ...others] = crowdOf(core, 12);
  for (const node of others.slice(2, 7)) noisy?.accuse(node, ACCUSE_WRONG_BYTES, 1);
  for (const node of [noisy, ...others.slice(0, 2)]) node?.accuse(target, ACCUSE_WRONG_BYTES, 1);
  assert.equal(target.isClosed, false);
  others[7]?.accuse(target, ACCUSE_WRONG_BYTES, 1);
  assert.equal(target.isClosed, true);
});

test('who was never brought together with a peer cannot accuse it', () => {
  const core = new CoreUnderTest();
  const [peer] = crowdOf(core, 8);
  const strangers = range(0, 4).map(i => core.connect(`stranger-${i}`).join({ task: 'other' }));
  core.flush();
  for (const node of strangers) node.accuse(peer, ACCUSE_WRONG_BYTES, 1);
  assert.equal(peer.isClosed, false);
  assert.ok(core.task()?.isHeld(1));
});

test('a ban outlives a reconnect', () => {
  const core = new CoreUnderTest();
  const [liar, ...others] = crowdOf(core, 6);
  others[0]?.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  others[1]?.accuse(liar, ACCUSE_WRONG_BYTES, 1);
  liar.go();
  const again = core.connect(liar.name).join({ has: range(0, 8) });
  core.flush();
  others[2]?.accuse(again, ACCUSE_WRONG_BYTES, 1);
  assert.equal(again.isClosed, true);
});
