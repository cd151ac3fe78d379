import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import {
  digestFromHex,
  type ErrorCode,
  isShoalError,
  ShoalError,
  silentLogger,
  systemClock,
} from '../../../core/index.ts';
import { startControlApi } from '../../../daemon/control-api.ts';
import { ControlClient, type SwarmReport } from '../../../daemon/index.ts';
import { MemoryMounter } from '../../support/memory-mounter.ts';
import { noSwarmStatus } from '../../support/memory-swarm.ts';
import { until } from '../../support/until.ts';
import { atEnd, scratch, signal } from './daemon-under-test.ts';

const REFERENCE = 'registry.test/app:1';

interface Bench {
  readonly mounter: MemoryMounter;
  readonly client: ControlClient;
  readonly socket: string;
  readonly stops: number[];
  readonly swarm: { report: SwarmReport | undefined };
}

async function bench(t: TestContext): Promise<Bench> {
  const mounter = new MemoryMounter();
  mounter.images.set(REFERENCE, digestFromHex('a'.repeat(64)));
  const stops: number[] = [];
  const socket = join(scratch(t), 'control.sock');
  writeFileSync(socket, 'left by a dead daemon');
  const metrics = async () => ({ contentType: 'text/plain; version=0.0.4', text: '# a page\n' });
  const swarm: Bench['swarm'] = { report: undefined };
  const ports = {
    mounter,
    metrics,
    swarm: () => swarm.report,
    clock: systemClock,
    log: silentLogger,
    onStop: () => stops.push(1),
    handOver: async () => {},
    onHandedOver: () => {},
  };
  const api = await startControlApi(ports, { socket, version: '1.2.3' });
  atEnd(t, () => api.stop());
  return { mounter, client: new ControlClient(socket), socket, stops, swarm };
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  body: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = httpRequest({ socketPath, method, path, headers }, incoming => {
      text(incoming).then(received => resolve({ status: incoming.statusCode ?? 0, body: received }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const mountRequest = (mountpoint: string) => ({
  reference: REFERENCE,
  mountpoint,
  driver: 'auto' as const,
  writable: false,
  plainHttp: false,
  insecure: false,
});

test('only its owner may connect, and a file left by a dead daemon is no obstacle', async t => {
  const { socket, client } = await bench(t);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  const info = await client.info({ signal });
  assert.deepEqual([info.pid, info.version], [process.pid, '1.2.3']);
  assert.ok(info.uptimeMs >= 0);
});

test('the page for Prometheus comes as it is', async t => {
  const { client, socket } = await bench(t);
  assert.equal(await client.metrics({ signal }), '# a page\n');
  assert.equal((await ask(socket, 'GET', '/metrics', '')).body, '# a page\n');
});

test('errors arrive with the code they were thrown with', async t => {
  const { mounter, client } = await bench(t);
  const codes: readonly ErrorCode[] = [
    'unreachable',
    'unauthorized',
    'unsupported',
    'digest-mismatch',
    'no-space',
    'internal',
  ];
  for (const code of codes) {
    mounter.failNext(new ShoalError(code, `it was ${code}`));
    await assert.rejects(
      client.mount(mountRequest('/'), { signal }),
      error => isShoalError(error, code) && error.message === `it was ${code}`,
    );
  }
});

test('requests that make no sense are refused before anything happens', async t => {
  const { mounter, socket } = await bench(t);
  const good = mountRequest('/mnt');
  const bad: readonly string[] = [
    '{',
    '[]',
    JSON.stringify({ ...good, mountpoint: 5 }),
    JSON.stringify({ ...good, driver: 'nfs' }),
    JSON.stringify({ ...good, extra: true }),
    JSON.stringify({ ...good, readDeadlineMs: -1 }),
    JSON.stringify({ ...good, reference: 'x'.repeat(5000) }),
  ];
  for (const body of bad) {
    const answer = await ask(socket, 'POST', '/v1/mounts', body);
    assert.equal(answer.status, 400, body.slice(0, 60));
    assert.equal(JSON.parse(answer.body).code, 'usage');
  }
  const huge = await ask(socket, 'POST', '/v1/mounts', JSON.stringify({ ...good, reference: 'x'.repeat(100_000) }));
  assert.equal(JSON.parse(huge.body).code, 'usage');
  assert.equal((await ask(socket, 'GET', '/v1/nothing', '')).status, 404);
  assert.equal(mounter.requests.length, 0);
});

test('a client that goes away aborts its mount', async t => {
  const { mounter, client } = await bench(t);
  mounter.pause();
  const controller = new AbortController();
  const call = client.mount(mountRequest(scratch(t)), { signal: controller.signal });
  await until(() => mounter.requests.length === 1, 'the mount was asked for');
  controller.abort();
  await assert.rejects(call, error => isShoalError(error, 'aborted'));
  await until(() => mounter.aborted === 1, 'the daemon noticed');
  mounter.resume();
  assert.deepEqual(await client.list({ signal }), []);
});

test('stopping is answered first', async t => {
  const { client, stops } = await bench(t);
  await client.stop({ signal });
  await until(() => stops.length === 1, 'the daemon was told');
});

test('a daemon that is ending is as good as none', async t => {
  const socket = join(scratch(t), 'control.sock');
  // What Fastify answers by itself while it closes.
  const server = createServer((_request, response) => {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end('{"error":"Service Unavailable","message":"Service Unavailable","statusCode":503}');
  });
  await new Promise<void>(resolve => server.listen(socket, resolve));
  atEnd(t, () => server.close());
  await assert.rejects(new ControlClient(socket).info({ signal }), { code: 'unreachable', message: /ending/ });
});

test('says unreachable when no daemon listens', async t => {
  const nobody = new ControlClient(join(scratch(t), 'control.sock'));
  await assert.rejects(nobody.list({ signal }), error => isShoalError(error, 'unreachable'));
});

test('tells of the swarm, or that there is none', async t => {
  const { client, swarm } = await bench(t);
  await assert.rejects(
    client.swarm({ signal }),
    error => isShoalError(error, 'not-found') && /peer-listen/.test(error.message),
  );
  const digest = digestFromHex('b'.repeat(64));
  const task = { taskId: 'c'.repeat(64), digest, pieceCount: 9, pieces: 4, chunkPieces: 5, peers: 2, leases: 1 };
  const peer = { receivedBytes: 1, sentBytes: 2, receivedPerSecond: 3, sentPerSecond: 4, wrongPieces: 0 };
  swarm.report = {
    ...noSwarmStatus,
    peers: [
      { ...peer, peerId: 'one', address: '/ip4/10.0.0.1/tcp/1' },
      { ...peer, peerId: 'two', bannedUntil: 5, banReason: 'wrong bytes' },
    ],
    schedulers: [{ peerId: 'three', address: '/ip4/10.0.0.2/tcp/1', state: 'connected' }],
    tasks: [{ ...task, scheduled: true, images: [REFERENCE] }],
  };
  assert.deepEqual(await client.swarm({ signal }), swarm.report);
});
