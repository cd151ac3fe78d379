// What the core believes, refuses and shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeMessage, type NodeMessageProperties, SchedulerMessage } from '../../../proto/index.ts';
import { SCHEDULER_LIMITS } from '../../../scheduler/core/config.ts';
import { viewMembers, viewNodes, viewTasks } from '../../../scheduler/core/view.ts';
import { CoreUnderTest, range, taskIdBytes, taskIdOfName } from './core-under-test.ts';

const TASK = { handle: 9, taskId: taskIdBytes('t'), pieceCount: 64 };

test('a node whose message makes no sense is closed with the reason, and forgotten', () => {
  const nonsense: [NodeMessageProperties, RegExp][] = [
    [{ join: { ...TASK, taskId: new Uint8Array(31) } }, /task id of 31 bytes/],
    [{ join: { ...TASK, pieceCount: 0 } }, /task of 0 pieces/],
    [{ join: { ...TASK, pieceCount: 2 ** 24 + 1 } }, /task of 16777217 pieces/],
    [{ join: { ...TASK, pieces: new Uint8Array(9) } }, /bitmap of 9 bytes: expected 8/],
    [{ want: { handle: 1, runs: [0, 65] } }, /run of 65 pieces from 0/],
    [{ want: { handle: 1, runs: [0] } }, /runs of 1 numbers/],
    [{ want: { handle: 1, runs: [5, 2, 6, 1] } }, /run of 1 pieces from 6/],
    [{ leaseFailed: { handle: 1, runs: [64, 1] } }, /run of 1 pieces from 64/],
    [{ hello: { addresses: Array.from({ length: 17 }, () => '/ip4/10.0.0.1') } }, /17 addresses: at most 16/],
    [{ hello: { region: 'r'.repeat(257) } }, /the region has 257 characters/],
    [{ hello: { zone: 'a\0b' } }, /the zone has a NUL/],
    [{ report: { tasks: [{ handle: 1, piecesGained: range(0, 65_537) }] } }, /65537 pieces in a report/],
  ];
  for (const [message, reason] of nonsense) {
    const core = new CoreUnderTest();
    const node = core.connect('node').join();
    node.say(message);
    assert.match(node.closedFor ?? 'still there', reason);
    assert.equal(core.core.nodes.size + core.core.tasks.size, 0);
  }
});

test('who speaks before its Hello is closed', () => {
  const core = new CoreUnderTest();
  const effects = [
    core.core.handle({ kind: 'connected', connection: 7, peerId: Buffer.from('x'), name: 'x' }, 0),
    core.core.handle({ kind: 'message', connection: 7, message: { join: TASK } }, 0),
  ].flat();
  assert.deepEqual(effects, [{ kind: 'close', connection: 7, reason: 'spoke before its Hello' }]);
});

test('messages for tasks that the node has not joined, of unknown kinds, and of gone nodes change nothing', () => {
  const core = new CoreUnderTest();
  const node = core.connect('node').join();
  core.flush();
  node.want([1], { handle: 5 });
  node.say({
    report: {
      tasks: [
        { handle: 5, piecesGained: [1] },
        { handle: 1, piecesGained: [64, 4_000_000_000] },
      ],
    },
  });
  node.say({ leave: { handle: 5 } });
  node.say({});
  assert.equal(node.isClosed, false);
  assert.equal(core.task()?.heldCount, 0);
  node.go();
  node.want([1]);
  assert.equal(core.core.tasks.size, 0);
});

test('a node that connects again takes the place of its old connection, whose end then changes nothing', () => {
  const core = new CoreUnderTest();
  const old = core.connect('node').join();
  const fresh = core.connect('node').join({ has: [1] });
  assert.equal(old.closedFor, 'connected again');
  old.go();
  assert.equal(core.core.nodes.size, 1);
  assert.equal(core.task()?.members.size, 1);
  assert.equal(fresh.isClosed, false);
});

test('tasks, tasks of a node, nodes and memory are bounded, and what is too much is refused with a reason', () => {
  const limits = { ...SCHEDULER_LIMITS, nodes: 2, tasks: 3, tasksPerNode: 2, stateBytes: 300_000 };
  const core = new CoreUnderTest({ limits });
  const refusals = (node: { heard: readonly { taskRefused?: { reason?: string | null } | null }[] }) =>
    node.heard.flatMap(({ taskRefused }) => taskRefused?.reason ?? []);
  const a = core
    .connect('a')
    .join({ task: '1', handle: 1 })
    .join({ task: '2', handle: 2 })
    .join({ task: '3', handle: 3 });
  assert.deepEqual(refusals(a), ['at most 2 tasks for each node']);
  const b = core.connect('b').join({ task: '4', handle: 1, pieceCount: 100_000 }).join({ task: '3', handle: 1 });
  b.join({ task: '4', handle: 2 });
  assert.deepEqual(refusals(b), ['no room for its state', 'no room: there are 3 tasks']);
  assert.match(core.connect('c').closedFor ?? '', /no room: 2 nodes/);
  a.go();
  b.join({ task: '4', handle: 3 });
  assert.equal(core.core.tasks.size, 2);
});

test('a member may want so many pieces at a time, and more once it has those', () => {
  const core = new CoreUnderTest({ limits: { ...SCHEDULER_LIMITS, wantsPerMember: 10 } });
  const [node] = core.crowd(1);
  assert.ok(node);
  node.want(range(0, 64));
  assert.equal(core.task()?.members.items[0]?.wanted?.size, 10);
  node.gained(...range(0, 10));
  node.want(range(10, 64));
  assert.equal(core.task()?.members.items[0]?.wanted?.size, 10);
});

test('who says another number of pieces keeps nobody else out of the task', () => {
  const core = new CoreUnderTest();
  core.connect('liar').join({ pieceCount: 63 });
  const nodes = core.crowd(2);
  assert.equal(nodes[0]?.parents.size, 1);
  assert.equal(core.core.tasks.size, 2);
});

test('joining again says anew what is here', () => {
  const core = new CoreUnderTest();
  const node = core
    .connect('node')
    .join({ has: [1, 2] })
    .want([3, 4]);
  node.join({ has: [2, 3] });
  const [member] = core.task()?.members.items ?? [];
  assert.deepEqual([...(member?.pieces ?? [])], [2, 3]);
  assert.deepEqual([...(member?.wanted ?? [])], [4]);
  assert.equal(core.task()?.heldCount, 2);
});

test('a node that came while there were few is told to report more seldom when there are many', () => {
  const core = new CoreUnderTest();
  const early = core.connect('early');
  assert.equal(early.heard[0]?.welcome?.reportIntervalMs, 501);
  for (let i = 0; i < 1100; i++) core.connect(`node-${i}`);
  early.gained();
  assert.equal(early.heard.at(-1)?.welcome?.reportIntervalMs, 1051);
});

test('bitmaps for many large parents are split over messages that stay within 4 MiB and a little', () => {
  const core = new CoreUnderTest();
  const pieceCount = 2 ** 22;
  for (let i = 0; i < 12; i++) core.connect(`n${i}`).join({ pieceCount });
  core.flush();
  const node = core.nodes.get(1);
  assert.equal(node?.parents.size, 11);
  for (const message of node?.heard ?? []) {
    assert.ok(SchedulerMessage.encode(message).finish().length <= 4 * 1024 * 1024 + 65_536);
  }
});

test('messages as they come from the wire are understood', () => {
  const core = new CoreUnderTest();
  const node = core.connect('node').join();
  core.flush();
  node.say(NodeMessage.decode(NodeMessage.encode({ want: { handle: 1, lane: 1, runs: [3, 2] } }).finish()));
  core.flush();
  assert.deepEqual(node.leased, [3, 4]);
  node.say(NodeMessage.decode(NodeMessage.encode({ report: { tasks: [{ handle: 1, piecesGained: [3] }] } }).finish()));
  assert.ok(core.task()?.isHeld(3));
});

test('after a restart the joins of the nodes alone bring back who holds what', () => {
  const before = new CoreUnderTest();
  const holdings = range(0, 20).map(i => range(i, i + 10));
  for (const [i, has] of holdings.entries()) before.connect(`node-${i}`).join({ has });
  const after = new CoreUnderTest({ seed: 99 });
  for (const [i, has] of [...holdings.entries()].reverse()) after.connect(`node-${i}`).join({ has });
  before.flush();
  after.flush();
  for (const piece of range(0, 64)) {
    assert.equal(after.task()?.holderCount(piece), before.task()?.holderCount(piece));
  }
  const neighbours = (core: CoreUnderTest) => core.task()?.members.items.map(member => member.neighbours.length);
  assert.deepEqual(neighbours(after), neighbours(before));
});

test('the view shows nodes, tasks and members in pages, and no more of a blob than its task id', () => {
  const core = new CoreUnderTest();
  core.connect('seed', { region: 'eu', zone: 'a' }).join({ has: range(0, 8) });
  const nodes = core.crowd(4);
  for (const node of nodes) node.want([20, 21]);
  core.flush();
  const page = viewNodes(core.core, { offset: 1, limit: 2 }, core.now);
  assert.deepEqual([page.total, page.items.map(({ peer }) => peer)], [5, ['node-0', 'node-1']]);
  assert.equal(viewNodes(core.core, { limit: 1 }, core.now).items[0]?.region, 'eu');
  const [task] = viewTasks(core.core, {}, core.now).items;
  assert.deepEqual(
    [task?.task, task?.pieces, task?.members, task?.wanting, task?.held, task?.leases],
    [taskIdOfName('blob'), 64, 5, 4, 8, 2],
  );
  const members = viewMembers(core.core, taskIdOfName('blob'), {});
  assert.deepEqual(members?.items[0]?.runs, [0, 8]);
  assert.deepEqual(members?.items.flatMap(({ leases }) => leases).sort(), [20, 21]);
  assert.equal(viewMembers(core.core, 'no such task', {}), undefined);
});

test('a page is bounded whatever is asked for', () => {
  const core = new CoreUnderTest();
  for (let i = 0; i < 300; i++) core.connect(`node-${i}`);
  for (const limit of [undefined, 1e9, Number.NaN, -1, 0.5]) {
    assert.equal(viewNodes(core.core, { limit, offset: limit }, core.now).items.length, limit === 1e9 ? 0 : 200);
  }
});
