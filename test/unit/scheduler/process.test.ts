// The whole scheduler, with the real core, and real nodes' links to it: leases, pages, a restart.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Libp2p } from '@libp2p/interface';
import { silentLogger, systemClock } from '../../../core/index.ts';
import { type RunningScheduler, startScheduler } from '../../../scheduler/index.ts';
import { addressOf, libp2pNode, type NodeOptions, portOf } from '../../support/libp2p-node.ts';
import { joinTask, scheduledNode, taskId } from '../../support/scheduled-node.ts';
import { until } from '../../support/until.ts';

interface Started {
  readonly node: Libp2p;
  readonly scheduler: RunningScheduler;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
  json<T>(path: string): Promise<T>;
}

async function started(t: TestContext, options: NodeOptions = {}): Promise<Started> {
  const node = await libp2pNode(t, options);
  const scheduler = await startScheduler(
    { node, clock: systemClock, log: silentLogger },
    { host: '127.0.0.1', port: 0, version: '1.2.3', peerId: node.peerId.toString() },
  );
  t.after(() => scheduler.stop());
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${scheduler.httpPort}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { node, scheduler, get, json: async path => JSON.parse((await get(path)).text) };
}

/** Fetches what it is leased at once. */
function fetchingTask(links: Parameters<typeof joinTask>[0], name: string, pieceCount = 64) {
  return joinTask(links, taskId(name), {
    pieceCount,
    onLease: ({ task, pieces }, leased) => {
      for (const piece of leased) pieces.add(piece);
      task.gained(leased, []);
    },
  });
}

interface Members {
  readonly total: number;
  readonly items: readonly { readonly peer: string; readonly held: number; readonly runs: readonly number[] }[];
}

const ALL = Array.from({ length: 64 }, (_, i) => i);

test('two nodes that want the same pieces get each leased once, between them', async t => {
  const { node, json } = await started(t);
  const tasks = await Promise.all(
    [0, 1].map(async i => {
      return fetchingTask(scheduledNode(t, await libp2pNode(t), [addressOf(node)], { name: `node ${i}` }), 'image');
    }),
  );
  await until(() => tasks.every(({ events }) => events.parents.size === 1), 'each other');
  for (const { task } of tasks) task.want(ALL, { lane: 'demand', late: false });
  const leased = () => tasks.flatMap(({ events }) => events.leased);
  await until(() => leased().length >= ALL.length, 'all leased');
  assert.deepEqual(
    leased().toSorted((a, b) => a - b),
    ALL,
  );
  for (const { events } of tasks) assert.ok(events.leased.length >= 16, `${events.leased.length} of 64`);
  const shown = await json<Members>(`/v1/tasks/${taskId('image')}`);
  assert.equal(
    shown.items.reduce((sum, { held }) => sum + held, 0),
    64,
  );
});

test('a scheduler that was restarted knows within one round what it knew before', async t => {
  const privateKey = await generateKeyPair('Ed25519');
  const first = await started(t, { privateKey });
  const port = portOf(first.node);
  const tasks = await Promise.all(
    Array.from({ length: 5 }, async () => {
      return fetchingTask(scheduledNode(t, await libp2pNode(t), [addressOf(first.node)]), 'image');
    }),
  );
  await until(() => tasks.every(({ events }) => events.parents.size === 4), 'all know all');
  for (const { task } of tasks) task.want(ALL, { lane: 'demand', late: false });
  await until(() => tasks.flatMap(({ events }) => events.leased).length === 64, 'all leased');
  const held = () => tasks.map(({ pieces }) => pieces.size).toSorted();

  await first.scheduler.stop();
  await first.node.stop();
  await until(() => tasks.every(({ events }) => events.down === 1), 'everybody notices');
  const second = await started(t, { privateKey, port });
  await until(() => tasks.every(({ events }) => events.up === 2), 'everybody is back');
  let shown: Members | undefined;
  await until(async () => {
    shown = await second.json<Members>(`/v1/tasks/${taskId('image')}`);
    return shown.total === 5;
  }, 'all members');
  assert.deepEqual(shown?.items.map(it => it.held).toSorted(), held());
  // What is held is not leased again.
  for (const { task } of tasks) task.want([0], { lane: 'demand', late: false });
  await until(() => tasks.every(({ events }) => events.parents.size === 4), 'all know all again');
  assert.equal(tasks.flatMap(({ events }) => events.leased).length, 64);
});

test('the pages tell health, metrics, nodes and tasks, in pages', async t => {
  const { node, get, json } = await started(t);
  const nodes = await Promise.all(Array.from({ length: 3 }, () => libp2pNode(t)));
  const tasks = nodes.map((near, i) =>
    joinTask(scheduledNode(t, near, [addressOf(node)], { name: `n${i}` }), taskId('image')),
  );
  const last = tasks[2];
  last?.pieces.add(5);
  last?.pieces.add(6);
  await until(async () => (await json<{ nodes: number }>('/healthz')).nodes === 3, 'three nodes');
  const members = () => json<Partial<Members>>(`/v1/tasks/${taskId('image')}`);
  await until(async () => (await members()).total === 3, 'three members');
  const health = await json<{ status: string; version: string }>('/healthz');
  assert.deepEqual([health.status, health.version], ['ok', '1.2.3']);

  interface Nodes {
    readonly total: number;
    readonly items: readonly { readonly peer: string; readonly zone: string }[];
  }
  const first = await json<Nodes>('/v1/nodes?limit=2');
  const rest = await json<Nodes>('/v1/nodes?limit=2&offset=2');
  const ids = [...first.items, ...rest.items].map(({ peer }) => peer);
  assert.deepEqual(ids.toSorted(), nodes.map(it => it.peerId.toString()).toSorted());
  assert.deepEqual([first.total, first.items.length, first.items[0]?.zone], [3, 2, 'z']);

  const { items } = await json<{ items: { task: string; members: number }[] }>('/v1/tasks');
  assert.deepEqual(
    items.map(it => [it.task, it.members]),
    [[taskId('image'), 3]],
  );
  const third = (await members()).items?.find(({ peer }) => peer === nodes[2]?.peerId.toString());
  assert.deepEqual(third?.runs, [5, 2]);

  const metrics = (await get('/metrics')).text;
  for (const line of [
    /^shoal_scheduler_nodes 3$/m,
    /^shoal_scheduler_tasks 1$/m,
    /_received_total\{kind="join"\} 3$/m,
  ]) {
    assert.match(metrics, line);
  }
  assert.match(metrics, /^shoal_scheduler_decision_seconds_bucket\{le="0.005",event="message"\} \d+$/m);
  for (const path of ['/v1/tasks/xyz', `/v1/tasks/${taskId('other')}`, '/etc/passwd'])
    assert.equal((await get(path)).status, 404);
  for (const path of ['/v1/nodes?limit=-1', '/v1/nodes?limit=99999', '/v1/tasks?offset=x'])
    assert.equal((await get(path)).status, 400);
});

test('a port that is taken is said, and nothing stays behind', async t => {
  const { scheduler, node } = await started(t);
  const other = await libp2pNode(t);
  const options = { host: '127.0.0.1', port: scheduler.httpPort, version: '0', peerId: node.peerId.toString() };
  const ports = { node: other, clock: systemClock, log: silentLogger };
  await assert.rejects(startScheduler(ports, options), { code: 'busy' });
  assert.deepEqual(
    other.getProtocols().filter(name => name.includes('scheduler')),
    [],
  );
});
