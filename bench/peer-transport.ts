// How fast a piece goes from one node to another: the whole path (ParentTask.request at the child, the queue, slots and
// readPiece at the parent, onPiece at the child) beside a raw stream of libp2p on the same kind of connection, in the same
// run, over loopback. Parent and child are processes of their own.
//
//   sh scripts/with-node.sh bench/peer-transport.ts [--mib 512] [--runs 3]

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { PIECE_BYTES, silentLogger, systemClock } from '../core/index.ts';
import { MemberNode, Membership, openIdentity, PeerTransport } from '../peer/index.ts';
import { createClusterKey, taskIdOf } from '../proto/index.ts';
import { MemoryServedTasks } from '../test/support/memory-served-tasks.ts';
import { Heard, until } from '../test/support/peers.ts';

const RAW_PROTOCOL = '/bench/raw/1';
/** Pieces that a child has asked one parent for at a time (docs/protocol.md). */
const ASKED = 8;
const MIB = 1 << 20;

interface Ready {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

async function startMember(cluster: string, directory: string) {
  const common = { clock: systemClock, log: silentLogger };
  const identity = await openIdentity(directory);
  const membership = await Membership.open({
    ...common,
    peerId: identity.peerId,
    role: 'peer',
    clusterKeyFile: join(cluster, 'cluster.pub'),
    certificateFile: join(cluster, 'cluster.key'),
    revocationsFile: join(directory, 'revocations'),
  });
  const node = await MemberNode.start({ ...common, identity, membership, listen: ['/ip4/127.0.0.1/tcp/0'] });
  const tasks = new MemoryServedTasks();
  return { node, tasks, transport: await PeerTransport.start({ ...common, node, tasks, uploadSlots: 4 }) };
}

const cpuSeconds = (since?: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

async function parent(cluster: string, directory: string, pieces: number): Promise<void> {
  const { node, tasks } = await startMember(cluster, directory);
  const served = tasks.add(1, pieces);
  const body = new Uint8Array(PIECE_BYTES).fill(7);
  served.readPiece = async () => body;
  await node.libp2p.handle(RAW_PROTOCOL, async (stream: Stream) => {
    let drained: (() => void) | undefined;
    stream.addEventListener('drain', () => drained?.());
    for (let piece = 0; piece < pieces; piece++) {
      stream.send(body);
      while (stream.writableNeedsDrain) {
        await new Promise<void>(resolve => {
          drained = resolve;
        });
      }
    }
    await stream.close();
  });
  let from = process.cpuUsage();
  process.on('message', message => {
    if (message === 'begin') from = process.cpuUsage();
    else process.send?.({ cpu: cpuSeconds(from) });
  });
  process.send?.({ peerId: node.peerId, addresses: node.addresses } satisfies Ready);
}

async function ask(other: ChildProcess, message: string): Promise<{ cpu: number }> {
  const answer = once(other, 'message');
  other.send(message);
  const [{ cpu }] = (await answer) as [{ cpu: number }];
  return { cpu };
}

async function child(cluster: string, directory: string, other: ChildProcess, ready: Ready, pieces: number) {
  const { node, transport } = await startMember(cluster, directory);
  const bytes = pieces * PIECE_BYTES;
  const measure = async (name: string, run: () => Promise<void>) => {
    other.send('begin');
    const from = process.cpuUsage();
    const begin = performance.now();
    await run();
    const seconds = (performance.now() - begin) / 1000;
    const cpu = { child: cpuSeconds(from), parent: (await ask(other, 'end')).cpu };
    const perGb = (value: number) => (value / (bytes / 1e9)).toFixed(2);
    process.stdout.write(
      `${name.padEnd(12)} ${(bytes / 1e6 / seconds).toFixed(0).padStart(5)} MB/s   CPU s/GB: parent ${perGb(cpu.parent)}, child ${perGb(cpu.child)}\n`,
    );
  };
  await measure('raw stream', async () => {
    const connection = await node.libp2p.dial(ready.addresses.map(address => multiaddr(address)));
    const stream = await connection.newStream(RAW_PROTOCOL);
    let got = 0;
    await new Promise<void>(resolve => {
      stream.addEventListener('message', ({ data }) => {
        got += data.byteLength;
        if (got === bytes) resolve();
      });
    });
  });
  const { digest, pieceCount } = new MemoryServedTasks().add(1, pieces);
  const link = transport.link(ready);
  const heard = new Heard();
  const done = Promise.withResolvers<void>();
  let next = 0;
  let got = 0;
  heard.onPiece = () => {
    if (next < pieces) task.request([next++], { lane: 'demand', mayFetch: false });
    if (++got === pieces) done.resolve();
  };
  const task = link.open({ taskId: taskIdOf(digest), digest, pieceCount }, heard);
  await until(() => heard.opened > 0);
  await measure('pieces', async () => {
    task.request(
      Array.from({ length: ASKED }, () => next++),
      { lane: 'demand', mayFetch: false },
    );
    await done.promise;
  });
  await transport.stop();
  await node.stop();
}

const { values, positionals } = parseArgs({
  options: { mib: { type: 'string', default: '512' }, runs: { type: 'string', default: '3' } },
  allowPositionals: true,
});
const pieces = (Number(values.mib) * MIB) / PIECE_BYTES;
const [role, cluster = '', directory = ''] = positionals;
if (role === 'parent') {
  await parent(cluster, directory, pieces);
} else {
  const scratch = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  const { privatePem, publicPem } = createClusterKey();
  await writeFile(join(scratch, 'cluster.pub'), publicPem);
  await writeFile(join(scratch, 'cluster.key'), privatePem, { mode: 0o600 });
  try {
    for (let run = 1; run <= Number(values.runs); run++) {
      const other = fork(import.meta.filename, ['parent', scratch, join(scratch, `parent${run}`), '--mib', values.mib]);
      const [ready] = (await once(other, 'message')) as [Ready];
      await child(scratch, join(scratch, `child${run}`), other, ready, pieces);
      other.kill();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
