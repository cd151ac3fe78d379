// A node's link to its schedulers, over real connections, against schedulers that a test plays: also silent and wrong ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { PieceSet } from '../../../core/index.ts';
import { ownerOf, peerIdToBytes, SCHEDULER_PROTOCOL } from '../../../proto/index.ts';
import { addressOf, libp2pNode, portOf } from '../../support/libp2p-node.ts';
import { joinTask, scheduledNode, taskId } from '../../support/scheduled-node.ts';
import { StubScheduler } from '../../support/stub-scheduler.ts';
import { until } from '../../support/until.ts';

test('a node greets, joins with its bitmaps, and reports a leased piece before the interval and others at it', async t => {
  const [far, near] = await Promise.all([libp2pNode(t), libp2pNode(t)]);
  const scheduler = await StubScheduler.on(far);
  const links = scheduledNode(t, near, [addressOf(far)], { name: 'a node' });
  const { task, pieces, events } = joinTask(links, taskId('one'));
  pieces.add(3);
  const stream = await scheduler.stream();
  const hello = await stream.next('hello');
  assert.equal(hello.name, 'a node');
  assert.deepEqual(hello.addresses, near.getMultiaddrs().map(String));
  const join = await stream.next('join');
  assert.equal(Buffer.from(join.taskId ?? []).toString('hex'), taskId('one'));
  assert.deepEqual([...PieceSet.fromBytes(16, join.pieces ?? new Uint8Array(0))], [3]);
  await until(() => events.up === 1, 'up');

  const handle = join.handle ?? 0;
  task.want([7, 5, 6, 5], { lane: 'demand', late: false });
  assert.deepEqual((await stream.next('want')).runs, [5, 3]);
  stream.say({ lease: { handle, runs: [9, 1, 5, 2], deadlineMs: 1000 } });
  await until(() => events.leased.length === 3, 'the lease');
  assert.deepEqual(events.leased, [9, 5, 6]);
  const before = stream.of('report').length;
  pieces.add(9);
  task.gained([9], []);
  // Not leased: would wait for the interval, and goes along.
  pieces.add(11);
  task.gained([11], []);
  const report = await stream.next('report', before);
  assert.deepEqual(report.tasks?.[0]?.piecesGained, [9, 11]);
  pieces.delete(11);
  task.lost([11], []);
  await until(
    () => stream.of('report').some(it => it.tasks?.[0]?.piecesLost?.includes(11)),
    'the loss at the interval',
  );

  task.leaseFailed([5, 6], 'busy', 1234.5);
  const failed = await stream.next('leaseFailed');
  assert.deepEqual([failed.runs, failed.reason, failed.retryAfterMs], [[5, 2], 2, 1235]);
  const liarId = far.peerId.toString();
  task.accuse(liarId, 4, 'wrong-bytes');
  assert.deepEqual(Buffer.from((await stream.next('accuse')).peerId ?? []), Buffer.from(peerIdToBytes(liarId)));
  task.served(liarId, { pieces: 2, ms: 10.4, failures: 0 });
  task.served(liarId, { pieces: 1, ms: 5, failures: 1 });
  await until(() => stream.of('report').some(it => (it.parents?.length ?? 0) > 0), 'how a parent served');
  const served = stream.of('report').find(it => (it.parents?.length ?? 0) > 0)?.parents?.[0];
  assert.deepEqual([served?.pieces, served?.milliseconds, served?.failures], [3, 15, 1]);
  task.leave();
  assert.equal((await stream.next('leave')).handle, handle);
});

test('what a scheduler says reaches the task: parents, lessees, bans, a hold', async t => {
  const [far, near, third] = await Promise.all([libp2pNode(t), libp2pNode(t), libp2pNode(t)]);
  const scheduler = await StubScheduler.on(far);
  const { events } = joinTask(scheduledNode(t, near, [addressOf(far)]), taskId('one'));
  const stream = await scheduler.stream();
  const { handle = 0 } = await stream.next('join');
  const peerId = peerIdToBytes(third.peerId.toString());
  const pieces = new PieceSet(16);
  pieces.add(2);
  stream.say({
    parents: { handle, add: [{ peerId, addresses: ['/ip4/10.0.0.1/tcp/1'], pieces: pieces.bytes, distance: 9 }] },
  });
  stream.say({ lessees: { handle, lessees: [{ peerId, runs: [4, 2, 9, 1] }] } });
  stream.say({ ban: { peerId, durationMs: 5, reason: 'lies' } });
  stream.say({ originHold: { handle, durationMs: 77 } });
  await until(() => events.holds.length === 1, 'the hold');
  const id = third.peerId.toString();
  assert.deepEqual([...(events.parents.get(id)?.pieces ?? [])], [2]);
  assert.equal(events.parents.get(id)?.distance, 3);
  assert.deepEqual(
    [...events.lessees],
    [
      [4, id],
      [5, id],
      [9, id],
    ],
  );
  assert.deepEqual(events.bans, [id]);
  stream.say({ parents: { handle, remove: [peerId] } });
  await until(() => events.parents.size === 0, 'the parent that went');
});

test('tasks are at the scheduler they belong to; when it goes they go to the next, and return when it is back', async t => {
  const key = await generateKeyPair('Ed25519');
  const [one, two, near] = await Promise.all([libp2pNode(t, { privateKey: key }), libp2pNode(t), libp2pNode(t)]);
  const [first, second] = [await StubScheduler.on(one), await StubScheduler.on(two)];
  const links = scheduledNode(t, near, [addressOf(one), addressOf(two)]);
  const port = portOf(one);
  const ids = Array.from({ length: 20 }, (_, i) => taskId(`task ${i}`));
  const tasks = ids.map(id => joinTask(links, id));
  const ofFirst = ids.filter(
    id => ownerOf(id, [addressOf(one).peerId, addressOf(two).peerId]) === addressOf(one).peerId,
  );
  assert.ok(ofFirst.length > 0 && ofFirst.length < ids.length);
  const joined = (stub: StubScheduler, at: number) =>
    stub.streams[at]?.of('join').map(join => Buffer.from(join.taskId ?? []).toString('hex')) ?? [];
  await until(() => joined(first, 0).length + joined(second, 0).length === ids.length, 'all joined');
  assert.deepEqual(joined(first, 0).toSorted(), ofFirst.toSorted());
  assert.equal(joined(second, 0).length, ids.length - ofFirst.length);

  await one.stop();
  await until(() => joined(second, 0).length === ids.length, 'all at the second');
  await until(() => tasks.every(({ events }) => events.up - events.down === 1 || events.up === 2), 'all told');
  const again = await libp2pNode(t, { privateKey: key, port });
  const back = await StubScheduler.on(again);
  await until(() => joined(back, 0).length === ofFirst.length, 'those of the first are back');
  assert.deepEqual(joined(back, 0).toSorted(), ofFirst.toSorted());
  await until(() => second.streams[0]?.of('leave').length === ofFirst.length, 'they left the second');
  await Promise.all([again.stop(), two.stop()]);
  await until(() => tasks.every(({ events }) => events.down >= 1), 'all down');
});

for (const [what, options] of [
  ['welcomes nobody', { welcomes: false }],
  ['answers nothing after the welcome', { pongs: false }],
] as const) {
  test(`a scheduler that accepts and ${what} counts as down, and another takes its tasks`, async t => {
    const nodes = await Promise.all([libp2pNode(t), libp2pNode(t), libp2pNode(t)]);
    const [silent, good, near] = nodes;
    await StubScheduler.on(silent, options);
    const stub = await StubScheduler.on(good);
    const limits = { startMs: 50, welcomeMs: 100, quietMs: 100, waitingQuietMs: 50, pongMs: 100 };
    const links = scheduledNode(t, near, [addressOf(silent), addressOf(good)], { limits });
    const ids = Array.from({ length: 10 }, (_, i) => taskId(`task ${i}`));
    for (const id of ids) joinTask(links, id);
    // Which of its streams has them does not matter: the good one is asked too, and answers.
    const at = (id: string) =>
      stub.streams.some(({ got }) => got.some(({ join }) => Buffer.from(join?.taskId ?? []).toString('hex') === id));
    await until(() => ids.every(at), 'all at the scheduler that answers');
  });
}

test('a stream with a wrong message is broken off, and the node comes again', async t => {
  const [far, near] = await Promise.all([libp2pNode(t), libp2pNode(t)]);
  const scheduler = await StubScheduler.on(far);
  const watched = joinTask(scheduledNode(t, near, [addressOf(far)]), taskId('one'));
  const peerId = peerIdToBytes(far.peerId.toString());
  const wrong: ((handle: number) => Parameters<(typeof scheduler.streams)[number]['say']>[0])[] = [
    handle => ({ lease: { handle, runs: [0, 17], deadlineMs: 1 } }),
    handle => ({ lease: { handle, runs: [3], deadlineMs: 1 } }),
    handle => ({ lessees: { handle, lessees: [{ peerId: new Uint8Array(7), runs: [0, 1] }] } }),
    handle => ({ parents: { handle, add: [{ peerId, addresses: [], pieces: new Uint8Array(3) }] } }),
    handle => ({ parents: { handle, add: [{ peerId, addresses: ['x'.repeat(300)] }] } }),
    handle => ({ parents: { handle, remove: Array.from({ length: 300 }, () => peerId) } }),
  ];
  for (const [i, message] of wrong.entries()) {
    const stream = await scheduler.stream(i);
    stream.say(message((await stream.next('join')).handle ?? 0));
    await until(() => stream.isGone, `the end of stream ${i}`);
  }
  const bytes = [Buffer.from([255, 255, 255, 255]), Buffer.from([0, 0, 0, 2, 255, 255]), Buffer.alloc(100_000, 7)];
  for (const [i, garbage] of bytes.entries()) {
    const stream = await scheduler.stream(wrong.length + i);
    await stream.next('join');
    stream.stream.send(garbage);
    await until(() => stream.isGone, `the end of stream ${wrong.length + i}`);
  }
  await (await scheduler.stream(wrong.length + bytes.length)).next('join');
  assert.deepEqual(watched.events.leased, []);
  assert.equal(watched.events.parents.size, 0);
});

test('a refused task is down, and offered again after a while', async t => {
  const [far, near] = await Promise.all([libp2pNode(t), libp2pNode(t)]);
  const scheduler = await StubScheduler.on(far);
  const { events } = joinTask(scheduledNode(t, near, [addressOf(far)]), taskId('one'));
  const stream = await scheduler.stream();
  const { handle = 0 } = await stream.next('join');
  stream.say({ taskRefused: { handle, reason: 'full' } });
  await until(() => events.down === 1, 'down');
  assert.notEqual((await stream.next('join', 1)).handle, handle);
  await until(() => events.up === 2, 'up');
});

test('without any scheduler to be reached tasks are down, and nothing is thrown or left', async t => {
  const [gone, near] = await Promise.all([libp2pNode(t), libp2pNode(t)]);
  const address = addressOf(gone);
  await gone.stop();
  const links = scheduledNode(t, near, [address]);
  const { task, events } = joinTask(links, taskId('one'));
  task.want([1], { lane: 'demand', late: false });
  task.gained([1], []);
  task.leave();
  await links.stop();
  assert.equal(events.up, 0);
  assert.deepEqual(near.getConnections(), []);
});

test('two hundred reconnects leave no stream, listener or connection behind', async t => {
  const [far, near] = await Promise.all([libp2pNode(t), libp2pNode(t)]);
  const scheduler = await StubScheduler.on(far);
  const links = scheduledNode(t, near, [addressOf(far)], { limits: { retryMs: 1, longestRetryMs: 1 } });
  // The report interval of the stub is 50 ms, which is also the shortest first wait.
  const { events } = joinTask(links, taskId('one'));
  for (let i = 0; i < 200; i++) {
    const stream = await scheduler.stream(i);
    await stream.next('join');
    stream.stream.abort(new Error('again'));
  }
  await (await scheduler.stream(200)).next('join');
  await until(() => events.up === 201, 'up again');
  assert.equal(events.down, 200);
  const open = () =>
    near
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter(({ protocol }) => protocol === SCHEDULER_PROTOCOL);
  assert.equal(open().length, 1);
  assert.equal(near.getConnections().length, 1);
  await links.stop();
  await until(() => open().length === 0, 'the last stream ends');
});
