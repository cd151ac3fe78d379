// shoal peers and shoal tasks, of a daemon whose swarm the test makes up.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestFromHex, silentLogger, systemClock } from '../../core/index.ts';
import { loadServer, type SwarmReport } from '../../daemon/index.ts';
import { MemoryMounter } from '../support/memory-mounter.ts';
import { noSwarmStatus } from '../support/memory-swarm.ts';
import { makeShoal, type Shoal } from '../support/shoal.ts';

const DAY_MS = 86_400_000;
const DIGEST = digestFromHex('d'.repeat(64));
const traffic = { receivedBytes: 5e6, sentBytes: 0, receivedPerSecond: 1e6, sentPerSecond: 0, wrongPieces: 0 };
const REPORT: SwarmReport = {
  ...noSwarmStatus,
  addresses: ['/ip4/10.0.0.9/tcp/7744'],
  certificateExpiresAt: systemClock.now() + 10.5 * DAY_MS,
  schedulers: [{ peerId: '12D3KooWsched', address: '/ip4/10.0.0.2/tcp/7640', state: 'connected' }],
  peers: [
    { ...traffic, peerId: '12D3KooWone', address: '/ip4/10.0.0.1/tcp/7744', certificateExpiresAt: 1 },
    {
      ...traffic,
      peerId: '12D3KooWtwo',
      wrongPieces: 3,
      bannedUntil: systemClock.now() + DAY_MS / 2,
      banReason: 'wrong bytes',
    },
  ],
  tasks: [
    {
      taskId: 'ab'.repeat(32),
      digest: DIGEST,
      images: ['registry.test/app:1'],
      pieceCount: 10,
      pieces: 4,
      chunkPieces: 2,
      peers: 1,
      leases: 3,
      scheduled: true,
    },
  ],
};

/** A command line whose root has a control socket, but no daemon. */
async function shoalWith(t: TestContext, report: SwarmReport | undefined): Promise<Shoal> {
  const shoal = await makeShoal(t);
  const { startControlApi } = await loadServer();

  await mkdir(shoal.root, { recursive: true, mode: 0o700 });
  const api = await startControlApi(
    {
      mounter: new MemoryMounter(),
      metrics: async () => ({ contentType: 'text/plain', text: '' }),
      swarm: () => report,
      clock: systemClock,
      log: silentLogger,
      onStop: () => {},
      handOver: async () => {},
      onHandedOver: () => {},
    },
    { socket: join(shoal.root, 'control.sock'), version: 'test' },
  );
  t.after(() => api.stop());
  return shoal;
}

test('peers lists who is connected and who is banned, with bytes, rates and membership', async t => {
  const shoal = await shoalWith(t, REPORT);
  const text = await shoal.ok('peers');
  assert.match(text, /^this node: 12D3KooWtest at \/ip4\/10\.0\.0\.9\/tcp\/7744$/m);
  assert.match(text, /^member for: 10 d$/m);
  assert.match(text, /^scheduler: 12D3KooWsched at .*, connected$/m);
  assert.match(text, /12D3KooWone +\/ip4\/10\.0\.0\.1\/tcp\/7744 +5 MB +1 MB\/s +0 B +0 B\/s +0 +- +over/);
  assert.match(text, /12D3KooWtwo +not connected .* 3 +11 h: wrong bytes/);
  const { tasks: _, ...rest } = REPORT;
  assert.deepEqual(await shoal.json('peers'), rest);
});

test('tasks lists blobs with the images that have them, and how much of each is here', async t => {
  const shoal = await shoalWith(t, REPORT);
  assert.match(
    await shoal.ok('tasks'),
    /abababababababab +sha256:d{64} +registry\.test\/app:1 +4 of 10 +40\.0 % +2 +1 +3 +yes/,
  );
  assert.deepEqual(await shoal.json('tasks'), REPORT.tasks);
});

test('a daemon without peers says how to give it some', async t => {
  const shoal = await shoalWith(t, undefined);
  const { code, stderr } = await shoal.run('peers');
  assert.notEqual(code, 0);
  assert.match(stderr, /has no peers: peer-listen is not set/);
});
