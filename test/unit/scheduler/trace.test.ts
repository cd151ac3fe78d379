// What one member has to wait for is foretold to the others, and comes to them from each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKGROUND, CoreUnderTest, type NodeUnderTest, range } from './core-under-test.ts';

/** Members that follow; the first has waited for piece 63, half a second ago. */
function followers(count: number): { core: CoreUnderTest; nodes: NodeUnderTest[]; first: NodeUnderTest } {
  const core = new CoreUnderTest();
  const nodes = core.crowd(count);
  const [first] = nodes;
  assert.ok(first);
  first.want([63]);
  core.flush();
  for (const node of nodes) node.gained(63);
  core.pass(600);
  first.takeLeases();
  for (const node of nodes) node.follow();
  return { core, nodes, first };
}

/** Whom each asks for the piece. */
function sourcesOf(nodes: readonly NodeUnderTest[], piece: number): Map<string, string> {
  const sources = new Map<string, string>();
  for (const node of nodes) {
    const source = node.lessees.get(piece);
    if (source !== undefined) sources.set(node.name, source);
  }
  return sources;
}

test('who waits for a piece fetches it, one follower asks there, and the others ask each other, two each at most', () => {
  const { core, nodes, first } = followers(12);
  first.want([5]);
  core.flush();
  assert.deepEqual(first.leased, [5]);
  const sources = sourcesOf(nodes, 5);
  assert.equal(sources.size, 11);
  const asked = Object.groupBy(sources.values(), source => source);
  assert.equal(asked[first.name]?.length, 1);
  for (const [source, children = []] of Object.entries(asked)) assert.ok(children.length <= 2, source);
  for (const node of nodes) {
    // By whatever way, it comes from the lessee.
    let at = node.name;
    for (let hops = 0; at !== first.name; hops++) {
      assert.ok(hops < nodes.length, `${node.name} waits in a circle`);
      at = sources.get(at) ?? assert.fail(`${at} asks nobody`);
    }
  }
  for (const node of nodes) if (node !== first) assert.deepEqual(node.trace, [5]);
});

test('where few are members each asks one, and all ask the same for each piece', () => {
  const { core, nodes, first } = followers(9);
  const seen = range(0, 40).map(piece => {
    first.want([piece]);
    core.flush();
    const sources = sourcesOf(nodes, piece);
    for (const node of nodes) node.gained(piece);
    return sources;
  });
  const [sources = assert.fail()] = seen;
  assert.equal(sources.size, 8);
  assert.equal(new Set(sources.values()).size, 8, 'each is asked by one');
  for (const others of seen) assert.deepEqual(others, sources);
});

test('where few are members, one that follows later asks the last of them for what is on its way, and not who is ahead', () => {
  const { core, nodes, first } = followers(4);
  const late = nodes.at(-1);
  assert.ok(late);
  late.follow(false);
  first.want([5]);
  core.flush();
  const before = new Set(sourcesOf(nodes, 5).values());
  late.follow();
  core.flush();
  const source = sourcesOf(nodes, 5).get(late.name);
  assert.ok(source !== undefined && !before.has(source), `${late.name} asks ${source}`);
});

test('copies are passed on by all in turn', () => {
  const { core, nodes, first } = followers(12);
  const children = new Map<string, number>();
  for (const piece of range(0, 40)) {
    first.want([piece]);
    core.flush();
    for (const source of sourcesOf(nodes, piece).values()) children.set(source, (children.get(source) ?? 0) + 1);
    for (const node of nodes) node.gained(piece);
  }
  assert.equal(children.get(first.name), 40);
  for (const node of nodes.slice(1)) {
    const count = children.get(node.name) ?? 0;
    assert.ok(count >= 20 && count <= 40, `${node.name} passed on ${count}`);
  }
});

test('nothing is foretold of what is fetched in the background, nor to who does not follow', () => {
  const { core, nodes, first } = followers(3);
  const [, other, third] = nodes;
  assert.ok(other && third);
  third.follow(false);
  first.want([5], { lane: BACKGROUND });
  core.flush();
  first.want([6]);
  core.flush();
  assert.deepEqual([first.trace, other.trace, third.trace], [[], [6], []]);
  assert.equal(other.lessees.get(6), first.name);
});

test('in a crowd that waits for much, those who wait ask the lessees', () => {
  const { core, nodes } = followers(6);
  for (const node of nodes) node.want(range(0, 32));
  core.flush();
  const leased = nodes.flatMap(node => node.leased.map(piece => ({ piece, node })));
  assert.ok(leased.length > 1);
  for (const { piece, node } of leased) {
    assert.deepEqual(new Set(sourcesOf(nodes, piece).values()), new Set([node.name]));
  }
});

test('at the beginning, when nobody is ahead, the pieces of much that one waits for are leased to different members', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4);
  for (const node of nodes) node.follow();
  const [first] = nodes;
  assert.ok(first);
  first.want(range(0, 32));
  core.flush();
  const lessees = nodes.filter(node => node.leased.length > 0);
  assert.ok(lessees.length >= 3, `${lessees.length} lessees`);
  for (const lessee of lessees) {
    for (const piece of lessee.leased) {
      assert.equal(first.lessees.get(piece), lessee === first ? undefined : lessee.name);
    }
  }
});

test('who reads here and there fetches what it waits for itself, at the beginning as later', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(4);
  for (const node of nodes) node.follow();
  const [first] = nodes;
  assert.ok(first);
  first.want([7]);
  core.flush();
  first.gained(7);
  first.want([2, 3]);
  core.flush();
  assert.deepEqual(first.leased, [7, 2, 3]);
  for (const piece of [2, 3]) assert.ok([...sourcesOf(nodes, piece).values()].includes(first.name));
});

test('who waits for all of a small blob is not ahead of the others, who want the same: its pieces go to different members', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(5, { pieceCount: 10 });
  const all = range(0, 10);
  const leased = new Map<NodeUnderTest, number>();
  for (const node of nodes) node.want(all);
  core.flush();
  // Half a second later nothing is beginning any more.
  for (let done = 0; done < all.length; core.pass(600)) {
    for (const node of nodes) {
      for (const piece of node.takeLeases()) {
        leased.set(node, (leased.get(node) ?? 0) + 1);
        node.gained(piece);
        done++;
      }
    }
    core.flush();
  }
  assert.deepEqual([...leased.values()], [2, 2, 2, 2, 2]);
});

test('who follows later is told the whole trace in its order, and nothing twice', () => {
  const core = new CoreUnderTest();
  const [one, late] = core.crowd(2);
  assert.ok(one && late);
  for (const piece of [40, 3, 4, 20]) {
    one.want([piece]);
    core.flush();
    one.gained(piece);
  }
  assert.deepEqual(late.trace, []);
  late.gained(3);
  late.follow();
  core.flush();
  assert.deepEqual(late.trace, [40, 4, 20]);
  late.gained(40);
  core.flush();
  assert.deepEqual(late.trace, [40, 4, 20]);
  late.follow(false);
  one.want([50]);
  core.flush();
  assert.deepEqual(late.trace, [40, 4, 20]);
});

test('what somebody waits for that others hold belongs to the trace, too', () => {
  const core = new CoreUnderTest();
  const holder = core.connect('holder').join({ has: range(0, 64) });
  const [one, late] = [core.connect('one').join(), core.connect('late').join()];
  core.flush();
  one.want([9]);
  core.flush();
  late.follow();
  core.flush();
  assert.deepEqual(late.trace, [9]);
  assert.deepEqual(holder.trace, []);
});

test('where not all know all, a source is always one that its child knows', () => {
  const core = new CoreUnderTest();
  const nodes = core.crowd(60);
  for (const node of nodes) node.follow();
  const [first] = nodes;
  assert.ok(first);
  first.want([5]);
  core.flush();
  const sources = sourcesOf(nodes, 5);
  assert.ok(sources.size > 3, `${sources.size} were told`);
  for (const node of nodes) {
    const source = sources.get(node.name);
    if (source !== undefined) assert.ok(node.parents.has(source), `${node.name} does not know ${source}`);
  }
});

test('for one that has much to send a follower fetches, and it is the first to get it', () => {
  const { core, nodes, first } = followers(4);
  first.reportQueue(50);
  first.want([5]);
  core.flush();
  assert.deepEqual(first.leased, []);
  const lessee = nodes.find(node => node.leased.includes(5));
  assert.ok(lessee);
  assert.equal(first.lessees.get(5), lessee.name);
});

const served = (whom: NodeUnderTest, pieces: number, milliseconds: number) => ({
  peerId: whom.peerId,
  pieces,
  milliseconds,
  failures: 0,
});

test('one that serves much slower than its neighbours passes nothing on', () => {
  const { core, nodes, first } = followers(6);
  const [, slow, ...others] = nodes;
  assert.ok(slow);
  first.say({ report: { tasks: [], parents: [served(slow, 5, 9_000), ...others.map(each => served(each, 10, 500))] } });
  for (const piece of range(0, 8)) {
    first.want([piece]);
    core.flush();
    const sources = [...sourcesOf(nodes, piece).values()];
    assert.ok(!sources.includes(slow.name));
    for (const node of nodes) node.gained(piece);
  }
  slow.want([20]);
  slow.want(range(32, 48));
  core.flush();
  assert.deepEqual(slow.leased, [], 'nor does it fetch what only it waits for, be it a piece or a chunk');
});

test('one that its neighbours wait long for, because it sends more than they do, fetches what it waits for', () => {
  const { core, nodes, first } = followers(6);
  const [, busy, ...others] = nodes;
  assert.ok(busy);
  first.say({
    report: { tasks: [], parents: [served(busy, 20, 36_000), ...others.map(each => served(each, 10, 500))] },
  });
  busy.want([20]);
  core.flush();
  assert.deepEqual(busy.leased, [20]);
});

test('one that follows later passes on as much as the others from then on, and does not make up for what they did', () => {
  const { core, nodes, first } = followers(12);
  const [, ...others] = nodes;
  const late = others.at(-1);
  assert.ok(late);
  const pass = (pieces: readonly number[]) =>
    pieces.map(piece => {
      first.want([piece]);
      core.flush();
      const sources = [...sourcesOf(nodes, piece).values()];
      for (const node of nodes) node.gained(piece);
      return sources.filter(source => source === late.name).length;
    });
  late.follow(false);
  pass(range(0, 12));
  late.follow();
  core.flush();
  const passedOn = pass(range(12, 24)).filter(copies => copies > 0).length;
  assert.ok(passedOn > 0 && passedOn <= 8, `${passedOn} of 12 pieces`);
});

test('who follows later asks those who are to get it, not the lessee alone', () => {
  const { core, nodes, first } = followers(8);
  const late = nodes.slice(2);
  for (const node of late) node.follow(false);
  for (const piece of range(0, 20)) {
    first.want([piece]);
    core.flush();
    first.gained(piece);
  }
  for (const node of late) {
    node.follow();
    core.flush();
  }
  for (const piece of range(0, 20)) {
    const asked = Object.groupBy(sourcesOf(nodes, piece).values(), source => source);
    for (const [source, children = []] of Object.entries(asked)) assert.ok(children.length <= 2, `${piece}: ${source}`);
  }
});

test('a lease that goes to another is followed to there', () => {
  const { core, nodes, first } = followers(3);
  first.want([5]);
  core.flush();
  first.go();
  nodes[1]?.want([5]);
  core.flush();
  const left = nodes.slice(1);
  const lessee = left.find(node => node.leased.includes(5));
  const other = left.find(node => node !== lessee);
  assert.ok(lessee && other);
  assert.equal(other.lessees.get(5), lessee.name);
});

for (const isHere of [false, true]) {
  test(`nodes that come at once when one ${isHere ? 'has' : 'fetches'} the first pieces ask each other for them, two each at most`, () => {
    const core = new CoreUnderTest();
    const first = core.connect('first').join();
    first.follow();
    core.flush();
    first.want([1, 2, 3]);
    core.flush();
    assert.deepEqual(first.leased, [1, 2, 3]);
    if (isHere) first.gained(1, 2, 3);
    core.flush();
    const others = range(0, 7).map(at => core.connect(`other${at}`).join());
    for (const node of others) node.follow();
    for (const node of others) node.want([1, 2, 3]);
    core.flush();
    for (const piece of [1, 2, 3]) {
      const sources = sourcesOf(others, piece);
      assert.equal(sources.size, others.length);
      const asked = Object.groupBy(sources.values(), source => source);
      for (const [source, children = []] of Object.entries(asked))
        assert.ok(children.length <= 2, `${piece}: ${source}`);
    }
  });
}

test('who waits gets the piece from its lessee, also when it is slow, and passes it on to nobody', () => {
  const { core, nodes, first } = followers(6);
  const [, slow, ...others] = nodes;
  assert.ok(slow);
  first.say({ report: { tasks: [], parents: [served(slow, 5, 9_000), ...others.map(each => served(each, 10, 500))] } });
  slow.want([20]);
  core.flush();
  const sources = sourcesOf(nodes, 20);
  const lessee = nodes.find(node => node.leased.includes(20));
  assert.ok(lessee && lessee !== slow);
  assert.equal(sources.get(slow.name), lessee.name);
  assert.equal(sources.size, nodes.length - 1, 'the others get it by another way');
  assert.ok(![...sources.values()].includes(slow.name));
});

test('who has waited in vain where it was told to wait is sent to the lessee', () => {
  const { core, nodes, first } = followers(8);
  first.want([5]);
  core.flush();
  const child = nodes.find(node => node !== first && node.lessees.get(5) !== first.name);
  assert.ok(child);
  const told = child.lessees.get(5);
  child.want([5]);
  core.flush();
  assert.equal(child.lessees.get(5), told);
  child.want([5]);
  core.flush();
  assert.equal(child.lessees.get(5), first.name);
});
