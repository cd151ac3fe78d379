// The scheduler's end of its protocol over real connections: nodes that behave, and nodes that no honest program would be.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Libp2p, Stream } from '@libp2p/interface';
import { silentLogger, systemClock } from '../../../core/index.ts';
import {
  MAX_SCHEDULER_MESSAGE_BYTES,
  NodeMessage,
  type NodeMessageProperties,
  SCHEDULER_PROTOCOL,
} from '../../../proto/index.ts';
import { SERVER_LIMITS, type ServerLimits } from '../../../scheduler/server/limits.ts';
import { type DropReason, SchedulerServer } from '../../../scheduler/server/server.ts';
import { addressOf, libp2pNode } from '../../support/libp2p-node.ts';
import { joinTask, scheduledNode, taskId } from '../../support/scheduled-node.ts';
import { StubCore } from '../../support/stub-core.ts';
import { until } from '../../support/until.ts';

const FROZEN_NODE = join(import.meta.dirname, '../../support/frozen-node.ts');

interface Started {
  readonly node: Libp2p;
  readonly core: StubCore;
  readonly server: SchedulerServer;
  readonly dropped: DropReason[];
}

async function started(t: TestContext, limits: Partial<ServerLimits> = {}): Promise<Started> {
  const node = await libp2pNode(t);
  const core = new StubCore();
  const dropped: DropReason[] = [];
  const meter = {
    onMessage: () => {},
    onSent: () => {},
    onDecision: () => {},
    onDropped: (why: DropReason) => void dropped.push(why),
  };
  const ports = { node, core, clock: systemClock, log: silentLogger, meter };
  const server = new SchedulerServer(ports, { limits: { ...SERVER_LIMITS, watchMs: 20, ...limits }, batchMs: () => 1 });
  await server.start();
  t.after(() => server.stop());
  return { node, core, server, dropped };
}

async function streamTo(near: Libp2p, far: Libp2p): Promise<Stream> {
  const connection = await near.dial(far.getMultiaddrs());
  return connection.newStream(SCHEDULER_PROTOCOL, { maxOutboundStreams: 2_000 });
}

function framed(message: NodeMessageProperties): Uint8Array {
  const bytes = NodeMessage.encode(message).finish();
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

const HELLO = framed({ hello: { name: 'raw' } });

test('a node is told to the core with its hello, and gone when its stream ends', async t => {
  const { node, core } = await started(t);
  const near = await libp2pNode(t);
  const stream = await streamTo(near, node);
  stream.send(HELLO);
  await until(() => core.of('message').length === 1, 'the hello');
  assert.deepEqual(core.connected, [near.peerId.toString()]);
  await stream.close();
  await until(() => core.connected.length === 0, 'gone');
});

test('the core’s effects arrive as messages, and what it closes is not reported gone', async t => {
  const { node, core, dropped } = await started(t);
  const near = await libp2pNode(t);
  const { events } = joinTask(scheduledNode(t, near, [addressOf(node)]), taskId('one'));
  await until(() => core.of('message').some(({ message }) => message.join), 'the join');
  const join = core.of('message').find(({ message }) => message.join);
  const { connection = 0, message } = join ?? {};
  const handle = message?.join?.handle ?? 0;
  core.news.push({ kind: 'send', connection, message: { lease: { handle, runs: [2, 2], deadlineMs: 9 } } });
  core.news.push({ kind: 'broadcast', message: { originHold: { handle, durationMs: 5 } } });
  // Anything that comes brings the next flush.
  await until(() => events.leased.length === 2 && events.holds.length === 1, 'the news');
  core.answer = ({ connection: it, message: said }) =>
    said.want ? [{ kind: 'close', connection: it, reason: 'no' }] : [];
  const before = core.of('gone').length;
  core.news.length = 0;
  const stream = await streamTo(await libp2pNode(t), node);
  stream.send(Buffer.concat([HELLO, framed({ want: { handle: 1 } })]));
  await until(() => stream.status !== 'open', 'the end');
  assert.deepEqual(dropped, ['refused']);
  assert.equal(core.of('gone').length, before);
});

for (const [what, bytes] of [
  ['begins with something else than a hello', framed({ want: { handle: 1, runs: [0, 1] } })],
  ['says a length of 4 GiB', Buffer.from([255, 255, 255, 255])],
  ['says a length just above the bound', Buffer.from([0, 0x44, 0, 1])],
  ['sends garbage', Buffer.concat([Buffer.from([0, 0, 0, 9]), Buffer.alloc(9, 0xff)])],
  ['sends a report that only a join may be as long as', framed({ report: { tasks: Array(40_000).fill({}) } })],
  ['sends a join that is not alone in its message', longWithMore()],
  ['sends a million empty fields in place of a bitmap', manyFields()],
] as const) {
  test(`a stream that ${what} is ended, and the others go on`, async t => {
    const { node, core, dropped, server } = await started(t);
    const good = await libp2pNode(t);
    const { events } = joinTask(scheduledNode(t, good, [addressOf(node)]), taskId('one'));
    await until(() => events.up === 1, 'the good one');
    const bad = await libp2pNode(t);
    const stream = await streamTo(bad, node);
    if (!what.startsWith('begins')) stream.send(HELLO);
    stream.send(bytes);
    await until(() => stream.status !== 'open', 'the end');
    await until(() => server.streamCount === 1, 'only the good one');
    assert.deepEqual(dropped, ['malformed']);
    assert.deepEqual(core.connected, [good.peerId.toString()]);
  });
}

test('the bound is the one that the messages are checked against', () => {
  assert.equal(MAX_SCHEDULER_MESSAGE_BYTES, 0x440000);
});

test('the core is told when a node takes nothing more, and when it reads again', async t => {
  const { node, core, dropped } = await started(t);
  const stream = await streamTo(await libp2pNode(t), node);
  stream.send(HELLO);
  await until(() => core.of('message').length === 1, 'the hello');
  stream.pause();
  const [{ connection = 0 } = {}] = core.of('connected');
  const bitmap = new Uint8Array(1 << 20);
  for (let i = 0; i < 4; i++) {
    core.news.push({ kind: 'send', connection, message: { parents: { handle: 1, add: [{ pieces: bitmap }] } } });
  }
  stream.send(framed({ leave: { handle: 1 } }));
  await until(() => core.of('blocked').length === 1, 'blocked');
  assert.equal(core.of('flowing').length, 0);
  stream.addEventListener('message', () => {});
  stream.resume();
  await until(() => core.of('flowing').length === 1, 'flowing');
  assert.deepEqual(dropped, []);
});

test('who does not greet in time is shown the door', async t => {
  const { node, dropped, server } = await started(t, { helloMs: 30 });
  const stream = await streamTo(await libp2pNode(t), node);
  await until(() => stream.status !== 'open', 'the end');
  assert.deepEqual(dropped, ['no-hello']);
  assert.equal(server.streamCount, 0);
});

test('a node that comes again replaces its old stream', async t => {
  const { node, core, dropped, server } = await started(t);
  const near = await libp2pNode(t);
  const old = await streamTo(near, node);
  old.send(HELLO);
  await until(() => core.connected.length === 1, 'the first');
  const fresh = await streamTo(near, node);
  fresh.send(HELLO);
  await until(() => old.status !== 'open', 'the end of the old one');
  await until(() => core.of('connected').length === 2, 'the second');
  assert.deepEqual(dropped, ['replaced']);
  assert.equal(core.connected.length, 1);
  assert.equal(server.streamCount, 1);
});

test('a node that says nothing is asked, and gone when it does not answer', async t => {
  const { node, core, dropped } = await started(t, { quietMs: 40, pongMs: 60 });
  // Answers.
  const good = await libp2pNode(t);
  joinTask(scheduledNode(t, good, [addressOf(node)]), taskId('one'));
  // Does not.
  const frozen = await streamTo(await libp2pNode(t), node);
  frozen.send(HELLO);
  await until(() => core.connected.length === 2, 'both');
  await until(() => core.connected.length === 1, 'only one');
  assert.deepEqual(core.connected, [good.peerId.toString()]);
  assert.deepEqual(dropped, ['silent']);
  assert.ok(
    core.of('message').every(({ message }) => !message.pong),
    'pongs are not for the core',
  );
});

test('a node that never reads is dropped, its connection with it, and what waits for it is bounded', async t => {
  const limits = { stuckMs: 200, quietMs: 600_000, unsentBytes: 64 << 20 };
  const { node, core, dropped, server } = await started(t, limits);
  const [address] = node.getMultiaddrs();
  const frozen = spawn(process.execPath, [FROZEN_NODE, String(address)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => frozen.kill('SIGKILL'));
  await until(() => core.connected.length === 1, 'connected');
  frozen.kill('SIGSTOP');
  const connection = core.of('connected')[0]?.connection ?? 0;
  const message = { parents: { handle: 1, add: [{ pieces: new Uint8Array(60_000).fill(1) }] } };
  core.answer = () => Array.from({ length: 40 }, () => ({ kind: 'send', connection, message }) as const);
  const other = await streamTo(await libp2pNode(t), node);
  other.send(HELLO);
  // More than the sockets of both sides hold.
  for (let i = 0; i < 10; i++) other.send(framed({ leave: { handle: 1 } }));
  await until(() => dropped.length === 1, 'dropped');
  assert.deepEqual(dropped, ['not-reading']);
  await until(() => server.streamCount === 1 && node.getConnections().length === 1, 'only the other');
});

test('a node for which more waits than is allowed is dropped at once', async t => {
  const { node, core, server } = await started(t, { unsentBytes: 100_000, quietMs: 600_000, stuckMs: 600_000 });
  const frozen = spawn(process.execPath, [FROZEN_NODE, String(node.getMultiaddrs()[0])], { stdio: 'ignore' });
  t.after(() => frozen.kill('SIGKILL'));
  await until(() => core.connected.length === 1, 'connected');
  frozen.kill('SIGSTOP');
  const connection = core.of('connected')[0]?.connection ?? 0;
  const message = { parents: { handle: 1, add: [{ pieces: new Uint8Array(60_000).fill(1) }] } };
  core.answer = () => Array.from({ length: 40 }, () => ({ kind: 'send', connection, message }) as const);
  const other = await streamTo(await libp2pNode(t), node);
  other.send(HELLO);
  for (let i = 0; i < 10; i++) other.send(framed({ leave: { handle: 1 } }));
  await until(() => server.streamCount === 1, 'only the other');
  assert.equal(core.of('gone').length, 1);
});

test('no more streams are taken than there is room for', async t => {
  const { node, core, dropped } = await started(t, { streams: 2 });
  const nodes = await Promise.all(Array.from({ length: 3 }, () => libp2pNode(t)));
  for (const near of nodes.slice(1)) (await streamTo(near, node)).send(HELLO);
  await until(() => core.connected.length === 2, 'two');
  const [third] = nodes;
  assert.ok(third);
  await streamTo(third, node).catch(() => {}); // it may be told while it still negotiates
  await until(() => dropped.length === 1, 'one too many');
  await until(() => core.connected.length === 2, 'two');
  assert.deepEqual(dropped, ['full']);
});

test('a fault of the core at one event ends nobody’s stream', async t => {
  const { node, core, server } = await started(t);
  core.answer = () => {
    throw new TypeError('a bug');
  };
  const stream = await streamTo(await libp2pNode(t), node);
  stream.send(HELLO);
  await until(() => core.of('message').length === 1, 'the hello');
  core.answer = () => [];
  stream.send(framed({ leave: { handle: 1 } }));
  await until(() => core.of('message').length === 2, 'the next message');
  assert.equal(server.streamCount, 1);
});

test('a node with a thousand tasks joins all of them', async t => {
  const { node, core } = await started(t);
  const links = scheduledNode(t, await libp2pNode(t), [addressOf(node)]);
  const ids = Array.from({ length: 1_000 }, (_, i) => taskId(`task ${i}`));
  const tasks = ids.map(id => joinTask(links, id, { pieceCount: 20_000 }));
  await until(() => tasks.every(({ events }) => events.up === 1), 'all up');
  const joined = () =>
    core
      .of('message')
      .flatMap(({ message }) => (message.join ? [Buffer.from(message.join.taskId ?? []).toString('hex')] : []));
  await until(() => joined().length === 1_000, 'all joined');
  assert.deepEqual(joined().toSorted(), ids.toSorted());
});

test('nothing is left of two hundred nodes that came and went', async t => {
  const { node, core, server } = await started(t);
  const near = await libp2pNode(t);
  for (let i = 0; i < 200; i++) {
    const stream = await streamTo(near, node);
    stream.send(HELLO);
    await until(() => core.of('connected').length === i + 1, 'connected');
    if (i % 2 === 0) stream.abort(new Error('gone'));
    else await stream.close();
    await until(() => server.streamCount === 0, 'gone');
  }
  assert.equal(core.of('gone').length, 200);
  const open = node
    .getConnections()
    .flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === SCHEDULER_PROTOCOL));
  assert.deepEqual(open, []);
});

function longWithMore(): Uint8Array {
  const message = NodeMessage.encode({
    join: { handle: 1, pieces: new Uint8Array(100_000) },
    leave: { handle: 2 },
  }).finish();
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

function manyFields(): Uint8Array {
  // join { an unknown field 15, a million times }
  const inner = Buffer.alloc(2_000_000);
  for (let i = 0; i < inner.length; i += 2) inner[i] = 0x78;
  const message = NodeMessage.encode({ join: {} }).finish();
  assert.deepEqual([...message], [0x12, 0]);
  const length: number[] = [];
  for (let rest = inner.length; rest > 0; rest >>>= 7) length.push((rest & 127) | (rest > 127 ? 128 : 0));
  const all = Buffer.concat([Buffer.from([0x12, ...length]), inner]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(all.length);
  return Buffer.concat([head, all]);
}
