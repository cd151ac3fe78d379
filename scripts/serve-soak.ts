// What a daemon holds after it has served for long: a daemon with its peer gets an image, and other nodes take its blob
// from it again and again over the loopback interface, through the real transport. Every so often it is printed what the
// daemon's process holds, before it served anything, and when it has been idle afterwards.
//
//   sh scripts/with-node.sh scripts/serve-soak.ts [--gb 10] [--every 1] [--nodes 2] [--mib 64] [--idle 60]
//
// Each node asks for a task anew every 256 MB, and leaves and comes again with a new connection every 512: what a
// connection or a task leaves behind adds up, too. Exit code 1: something has grown (see `growthOf`).

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openAcceleratedImage } from '../cli/accelerated-image.ts';
import { makeLogger } from '../cli/logger.ts';
import { readPlatform } from '../cli/settings.ts';
import { type ChunkPlace, type Digest, PIECE_BYTES, parseDigest, systemClock } from '../core/index.ts';
import { BootstrapReader } from '../image/index.ts';
import { MemberNode, Membership, openIdentity, type PeerAddress, PeerTransport } from '../peer/index.ts';
import { taskIdOf } from '../proto/index.ts';
import { openSource, RegistryAccess } from '../registry/index.ts';
import type { Ending } from '../test/support/docker-registry.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { LoopbackCluster, type LoopbackNode } from '../test/support/loopback-cluster.ts';
import { startMemoryRegistry } from '../test/support/memory-registry.ts';
import { MemoryServedTasks } from '../test/support/memory-served-tasks.ts';
import { COUNT, LOOK, type Look } from '../test/support/observed-process.ts';
import { Heard } from '../test/support/peers.ts';
import { callShoal, removeLeftovers } from '../test/support/shoal.ts';
import { until } from '../test/support/until.ts';

const OBSERVER = resolve(import.meta.dirname, '../test/support/observed-process.ts');
const GB = 1e9;
const MB = 1e6;
/** Pieces that a node has asked for at a time (docs/protocol.md). */
const ASKED = 8;
const TASK_BYTES = 256 * MB;
const CONNECTION_BYTES = 512 * MB;
/** Asked for after the pieces of a task: the daemon reads them from its cache, verifies them, and packs them. */
const CHUNKS_OF_TASK = 16;
const CHUNK_MS = 30_000;
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 3_300;
/** Of the daemon's log, where something fails. */
const LOG_CHARS = 4_000;
/** What a run of minutes may leave behind without anything being wrong: caches that fill, code that is compiled. */
const MAY_GROW = { heap: 4 * MB, external: 4 * MB, rss: 24 * MB };

/** What a fetching process is told, once; it tells the bytes that have come, again and again. */
interface Errand {
  readonly parent: PeerAddress;
  readonly digest: Digest;
  readonly pieceCount: number;
  readonly chunks: readonly ChunkPlace[];
  readonly bytes: number;
  readonly cluster: { readonly keyFile: string; readonly privateKeyFile: string; readonly directory: string };
}

// ---- a fetching process ----------------------------------------------------------------------------------------------

async function startMember({ cluster }: Errand) {
  const common = { clock: systemClock, log: makeLogger('pretty', 'debug', { isDaemon: false }) };
  const identity = await openIdentity(cluster.directory);
  const membership = await Membership.open({
    ...common,
    peerId: identity.peerId,
    role: 'peer',
    clusterKeyFile: cluster.keyFile,
    certificateFile: cluster.privateKeyFile,
    revocationsFile: join(cluster.directory, 'revocations'),
  });
  const node = await MemberNode.start({ ...common, identity, membership, listen: [] });
  const tasks = new MemoryServedTasks();
  return { node, transport: await PeerTransport.start({ ...common, node, tasks, uploadSlots: 1 }) };
}

/** Takes so many bytes of the blob in pieces, and some of its chunks, in one task at the parent. Resolves with what came. */
async function takeTask(
  transport: PeerTransport,
  { parent, digest, pieceCount, chunks }: Errand,
  wanted: number,
): Promise<number> {
  const link = transport.link(parent);
  const heard = new Heard();
  const done = Promise.withResolvers<void>();
  let got = 0;
  let next = 0;
  /** What the parent has: the last piece with the blob's tables, for one, nobody has read. */
  let there: readonly number[] = [];
  const ask = (count: number) =>
    task.request(
      Array.from({ length: count }, () => there[next++ % there.length] ?? 0),
      { lane: 'demand', mayFetch: false },
    );
  // Also after a connection broke, which the log tells.
  heard.onOpened = pieces => {
    there = [...pieces];
    if (there.length < pieceCount / 2) done.reject(new Error(`the parent has ${there.length} of ${pieceCount} pieces`));
    else ask(ASKED);
  };
  heard.onPiece = (_, bytes) => {
    got += bytes.length;
    if (got >= wanted) done.resolve();
    else ask(1);
  };
  heard.onDenied = reason => done.reject(new Error(`the parent denies the task: ${reason}`));
  heard.onRefused = (_, reason) => done.reject(new Error(`the parent refuses a piece: ${reason}`));
  const task = link.open({ taskId: taskIdOf(digest), digest, pieceCount }, heard);
  try {
    await done.promise;
    for (const place of chunks.slice(0, CHUNKS_OF_TASK)) {
      const signal = AbortSignal.timeout(CHUNK_MS);
      got += (await task.requestChunk(place, { lane: 'demand', signal })).length;
    }
  } finally {
    task.close();
    link.release();
  }
  return got;
}

async function fetchAll(errand: Errand): Promise<void> {
  let got = 0;
  while (got < errand.bytes) {
    const { node, transport } = await startMember(errand);
    for (let ofConnection = 0; ofConnection < CONNECTION_BYTES && got < errand.bytes; ) {
      const bytes = await takeTask(transport, errand, Math.min(TASK_BYTES, errand.bytes - got));
      got += bytes;
      ofConnection += bytes;
      process.send?.(got);
    }
    await transport.stop();
    await node.stop();
  }
}

// ---- the one that watches --------------------------------------------------------------------------------------------

interface Held extends Look {
  readonly files: number;
  readonly fileList: readonly string[];
  readonly fileSockets: number;
  readonly threads: number;
  /** Of the RSS, bytes that are not pages of files. */
  readonly anonymous: number;
}

async function held({ child, pid }: LoopbackNode, what: typeof LOOK | typeof COUNT): Promise<Held> {
  if (child === undefined) throw new Error('the daemon does not run');
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const answer = once(child, 'message');
  child.send(what);
  const [look] = (await answer) as [Look];
  const files = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(files.map(file => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  return {
    ...look,
    files: targets.filter(target => target !== '').length,
    fileList: targets.toSorted(),
    fileSockets: targets.filter(target => target.startsWith('socket:')).length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]),
    anonymous: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) * 1024,
  };
}

const COLUMNS: readonly (readonly [string, (held: Held) => number | undefined])[] = [
  ['RSS MB', ({ memory }) => memory.rss / MB],
  ['anon MB', ({ anonymous }) => anonymous / MB],
  ['heap MB', ({ memory }) => memory.heapUsed / MB],
  ['external MB', ({ memory }) => memory.external / MB],
  ['files', ({ files }) => files],
  ['sockets', ({ fileSockets }) => fileSockets],
  ['connections', ({ connections }) => connections],
  ['streams', ({ streams }) => streams],
  ['listeners', ({ listeners }) => listeners],
  ['targets', ({ objects }) => objects?.eventTargets],
  ['signals', ({ objects }) => objects?.abortSignals],
  ['emitters', ({ objects }) => objects?.emitters],
  ['promises', ({ objects }) => objects?.promises],
  ['timers', ({ timers }) => timers],
];

function print(what: string, row: Held): void {
  const cells = COLUMNS.map(([name, of]) => {
    const value = of(row);
    if (value === undefined) return '-'.padStart(Math.max(name.length, 6));
    return (name.endsWith('MB') ? value.toFixed(1) : String(value)).padStart(Math.max(name.length, 6));
  });
  console.log(`${what.padEnd(22)} ${cells.join('  ')}`);
}

/** What grew between the first GB served and the end, when nobody is served any more. Code and caches are warm by then. */
function growthOf(warm: Held, idle: Held, before: Held): string[] {
  const grown: string[] = [];
  const atMost = (what: string, is: number, limit: number) => {
    if (is > limit) grown.push(`${what}: ${Math.round(is)}, expected at most ${Math.round(limit)}`);
  };
  atMost('heap', idle.memory.heapUsed, warm.memory.heapUsed + MAY_GROW.heap);
  atMost('external', idle.memory.external, warm.memory.external + MAY_GROW.external);
  atMost('RSS', idle.memory.rss, warm.memory.rss + MAY_GROW.rss);
  // Who was served is gone, and all that was there for it.
  for (const what of ['files', 'fileSockets', 'connections', 'streams', 'listeners', 'threads'] as const)
    atMost(what, idle[what], before[what]);
  if (grown.length > 0)
    grown.push(...idle.streamList, ...idle.fileList.filter(file => !before.fileList.includes(file)));
  return grown;
}

async function watch(t: Ending, options: Readonly<Record<'gb' | 'every' | 'nodes' | 'mib' | 'idle', number>>) {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-serve-soak-'));
  t.after(async () => {
    await removeLeftovers(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  const registry = await startMemoryRegistry(t);
  const reference = `${registry.host}/app:1`;
  const layers = [{ tar: [{ path: 'file', content: randomBytes(options.mib << 20) }] }];
  const { reference: source } = await buildImage(join(directory, 'layout'), { layers });
  const { code, stderr } = await callShoal(['convert', '--plain-http', source, reference], {
    root: join(directory, 'converting'),
  });
  if (code !== 0) throw new Error(stderr);
  const [name, blob] = [...registry.repository('app').blobs].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  if (name === undefined || blob === undefined) throw new Error('the image has no blob');

  const cluster = await LoopbackCluster.start(t, join(directory, 'cluster'));
  const node = await cluster.node('serving', {
    registryHost: registry.host,
    preload: [OBSERVER],
    channel: true,
  });
  await node.start();
  await until(async () => (await node.swarm()).schedulers.every(({ state }) => state === 'connected'), 'a scheduler');
  console.log(`${' '.repeat(22)} ${COLUMNS.map(([column]) => column.padStart(6)).join('  ')}`);
  const pause = () => systemClock.sleep(options.idle * 1000);
  await pause();
  print('idle, without a mount', await held(node, COUNT));
  await node.mount(reference);
  await until(() => node.isFilled(), 'all of the image is there');
  await pause();
  const before = await held(node, COUNT);
  print('idle, with an image', before);

  const digest = parseDigest(name);
  const chunks = await chunksOf(reference, digest);
  const parent = await node.swarm();
  const fetchers = Array.from({ length: options.nodes }, (_, at) => {
    const errand: Errand = {
      parent: { peerId: parent.peerId, addresses: parent.addresses },
      digest,
      chunks,
      pieceCount: Math.ceil(blob.length / PIECE_BYTES),
      bytes: (options.gb * GB) / options.nodes,
      cluster: {
        keyFile: cluster.keyFile,
        privateKeyFile: cluster.privateKeyFile,
        directory: join(directory, `fetcher-${at}`),
      },
    };
    const child = fork(import.meta.filename, ['fetch']);
    t.after(async () => void child.kill('SIGKILL'));
    child.send(errand);
    return child;
  });
  const began = performance.now();
  const warm = await untilServed(fetchers, node, options.every * GB).catch(async error => {
    console.error((await node.logged()).slice(-LOG_CHARS));
    throw error;
  });
  const seconds = (performance.now() - began) / 1000;
  console.log(`served ${((await node.swarm()).counters.bytesSent / GB).toFixed(2)} GB in ${seconds.toFixed(0)} s`);
  await pause();
  let idle = await held(node, COUNT);
  print(`idle for ${options.idle} s`, idle);
  let grown = growthOf(warm ?? before, idle, before);
  // Streams of pings come and go, every ten seconds: what stays has to be there at each look.
  for (let more = 1; more < LOOKS && grown.length > 0; more++) {
    await systemClock.sleep(BETWEEN_LOOKS_MS);
    idle = await held(node, COUNT);
    print('and a little later', idle);
    grown = growthOf(warm ?? before, idle, before);
  }
  console.log(grown.length === 0 ? 'nothing has grown' : grown.join('\n'));
  if (grown.length > 0) process.exitCode = 1;
}

async function chunksOf(reference: string, digest: Digest): Promise<ChunkPlace[]> {
  const access = new RegistryAccess();
  const source = openSource(reference, { access, plainHttp: true });
  const { signal } = new AbortController();
  const { bootstrap, layers } = await openAcceleratedImage(source, readPlatform(undefined), signal);
  await access.close();
  const blob = new BootstrapReader(bootstrap).blobLayouts(layers).find(each => each.digest === digest);
  if (blob === undefined) throw new Error('the image has no such blob');
  return Array.from({ length: blob.chunkCount }, (_, index) => {
    const { compressedOffset, compressedSize, uncompressedSize } = blob.chunk(index);
    return { offset: compressedOffset, compressedSize, uncompressedSize };
  });
}

/** Prints what is held at every step; resolves with the first, when all have what they wanted. */
async function untilServed(
  fetchers: readonly ChildProcess[],
  node: LoopbackNode,
  step: number,
): Promise<Held | undefined> {
  const got = fetchers.map(() => 0);
  let printed = 0;
  let first: Held | undefined;
  let printing: Promise<void> = Promise.resolve();
  const atStep = async (gb: number) => {
    const now = await held(node, LOOK);
    first ??= now;
    print(`served ${gb} GB`, now);
  };
  const ended = fetchers.map(async (child, at) => {
    child.on('message', bytes => {
      got[at] = Number(bytes);
      const steps = Math.floor(got.reduce((sum, each) => sum + each) / step);
      if (steps <= printed) return;
      printed = steps;
      printing = printing.then(() => atStep((steps * step) / GB));
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`a fetching process ended with ${code}`);
  });
  await Promise.all(ended);
  await printing;
  return first;
}

const { values, positionals } = parseArgs({
  options: {
    gb: { type: 'string', default: '10' },
    every: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '2' },
    mib: { type: 'string', default: '64' },
    idle: { type: 'string', default: '60' },
  },
  allowPositionals: true,
});

if (positionals[0] === 'fetch') {
  const [errand] = (await once(process, 'message')) as [Errand];
  await fetchAll(errand);
  process.disconnect();
} else {
  const works: (() => Promise<void>)[] = [];
  const number = (option: keyof typeof values) => {
    const value = Number(values[option]);
    if (value > 0) return value;
    throw new Error(`--${option} ${values[option]}: expected a number above 0`);
  };
  try {
    await watch(
      { after: work => void works.push(work) },
      { gb: number('gb'), every: number('every'), nodes: number('nodes'), mib: number('mib'), idle: number('idle') },
    );
  } finally {
    // As in a test: what was made first goes last.
    for (const work of works.reverse()) await work();
  }
}
