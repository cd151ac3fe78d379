// Question: does a web service notice that the daemon below its root is replaced, or killed, ten times? A program from an image
// serves the image's own files from a lazily mounted root, of which nothing is there at first, while clients ask for them in a
// random order and compare every answer. The baseline runs in the same process: the same requests, and nobody touches the daemon.
// "pod": the daemon is the first process of a container like a Kubernetes pod's, which is deleted and created again, and the
// holder is outside.
//
//   sh scripts/with-node.sh bench/replace.ts [--times 10] [--clients 8] [--driver fuse,erofs] [--images DIRECTORY] [--json]
//
// Exit code 1 when a request failed. Needs root, runc, debootstrap, umoci, skopeo and a mirror of Debian.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printTable } from '../cli/output.ts';
import { buildDebianImages } from '../test/support/debian-images.ts';
import { type Pod, shareDirectory, startPod } from '../test/support/pod.ts';
import { callShoal, MAIN, removeLeftovers } from '../test/support/shoal.ts';
import { until } from '../test/support/until.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    clients: { type: 'string', default: '8' },
    driver: { type: 'string', default: 'fuse,erofs' },
    images: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** From one replacement to the next, when the new daemon answers. */
const BETWEEN_MS = 1_000;
const MOST_BYTES = 256 << 10;
/** Nobody waits longer for an answer. */
const PATIENCE_MS = 30_000;
const FILL_NOTHING = { SHOAL_BACKGROUND_FILL: 'false' };
const ENV = { ...process.env, ...FILL_NOTHING };

const SERVICE = `
import functools, http.server
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer.request_queue_size = 64
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory='/usr'))
print(server.server_port, flush=True)
server.serve_forever()
`;

type Way = 'undisturbed' | 'takeover' | 'SIGKILL' | 'pod';
const WAYS: readonly Way[] = ['undisturbed', 'takeover', 'SIGKILL', 'pod'];

interface Row {
  readonly driver: string;
  readonly way: Way;
  readonly requests: number;
  readonly failed: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** Until the next daemon answered, the longest of them. */
  readonly replacedMs: number;
}

interface Library {
  readonly image: string;
  /** The directory that it is in. */
  readonly converted: string;
  /** By path below /usr, the digest of what it must give. */
  readonly files: ReadonlyMap<string, string>;
}

/** Built anew, or kept by bench/swarm.ts --images. */
async function debianLayout(directory: string): Promise<string> {
  const kept = values.images && join(values.images, 'debian');
  if (kept !== undefined && existsSync(join(kept, 'finished'))) return join(kept, 'layout');
  const built = join(directory, 'images');
  await mkdir(built);
  return (await buildDebianImages(built, {})).layout;
}

async function makeLibrary(directory: string): Promise<Library> {
  const layout = await debianLayout(directory);
  const converted = join(directory, 'converted');
  const image = `oci:${converted}:python`;
  const root = join(directory, 'converting');
  const ok = async (...args: string[]) => {
    const { code, stderr } = await callShoal(args, { root });
    if (code !== 0) throw new Error(stderr);
  };
  await ok('convert', `oci:${layout}:python`, image);
  const plain = join(directory, 'plain');
  await ok('unpack', image, plain);
  const files = new Map<string, string>();
  const usr = join(plain, 'usr');
  for (const entry of await readdir(usr, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    if (size === 0 || size > MOST_BYTES) continue;
    files.set(path.slice(usr.length), digestOf(await readFile(path)));
  }
  return { image, converted, files };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Place {
  readonly root: string;
  /** Where it is to mount. */
  readonly shared: string;
  /** Where the image is. */
  readonly converted: string;
  /** For what is to be undone. */
  readonly held: AsyncDisposableStack;
}

/** What runs the daemon, and puts another one in its place. */
interface Keeper {
  start(): Promise<void>;
  replace(): Promise<void>;
}

function processKeeper(way: Way, { root, held }: Place): Keeper {
  const start = (...options: string[]) => {
    const child = spawn(process.execPath, [MAIN, '--root', root, 'daemon', ...options], { stdio: 'ignore', env: ENV });
    held.defer(() => void child.kill('SIGKILL'));
  };
  const isThere = async (before: number) => pidOf(root) !== before && (await answers(root));
  return {
    start: async () => {
      start();
      await until(() => isThere(0), 'a daemon');
    },
    replace: async () => {
      if (way === 'undisturbed') return;
      const before = pidOf(root);
      if (way === 'SIGKILL') process.kill(before, 'SIGKILL');
      // What looks after a daemon would do it too, but pauses longer after each of many deaths in a row.
      if (way === 'SIGKILL') start();
      else start('--takeover');
      await until(() => isThere(before), 'the next daemon');
    },
  };
}

async function podKeeper({ root, shared, converted, held }: Place): Promise<Keeper> {
  for (const path of [root, shared]) await shareDirectory(path);
  const holder = spawn(process.execPath, [MAIN, '--root', root, 'daemon', 'holder'], { stdio: 'ignore' });
  held.defer(() => void holder.kill('SIGKILL'));
  await until(() => existsSync(join(root, 'holder.sock')), 'a holder');
  let pod: Pod | undefined;
  held.defer(() => pod?.delete());
  const start = async () => {
    pod = await startPod({ shared: [root, shared, converted], root, directory: dirname(root), env: FILL_NOTHING });
    await until(() => answers(root), 'a daemon');
  };
  return {
    start,
    replace: async () => {
      await pod?.delete();
      await start();
    },
  };
}

async function answers(root: string): Promise<boolean> {
  return (await callShoal(['metrics'], { root })).code === 0;
}

async function measure(
  directory: string,
  { image, converted, files }: Library,
  driver: string,
  way: Way,
): Promise<Row> {
  const base = await mkdtemp(join(directory, 'run-'));
  await using held = new AsyncDisposableStack();
  held.defer(async () => {
    await removeLeftovers(base);
    await rm(base, { recursive: true, force: true, maxRetries: 10 });
  });
  const root = join(base, 'root');
  const shared = join(base, 'shared');
  const mountpoint = join(shared, 'mnt');
  await mkdir(root, { mode: 0o700 });
  await mkdir(mountpoint, { recursive: true });
  const place = { root, shared, converted, held };
  const keeper = way === 'pod' ? await podKeeper(place) : processKeeper(way, place);
  held.defer(async () => {
    await callShoal(['umount', '--force', mountpoint], { root });
    await callShoal(['daemon', 'stop'], { root });
  });
  await keeper.start();
  const mounted = await callShoal(['mount', '--driver', driver, image, mountpoint], { root });
  if (mounted.code !== 0) throw new Error(mounted.stderr);
  const service = spawn('chroot', [mountpoint, 'python3', '-c', SERVICE], { stdio: ['ignore', 'pipe', 'inherit'] });
  held.defer(() => void service.kill('SIGKILL'));
  const [line] = await once(service.stdout, 'data');
  const over = new AbortController();
  const asking = ask(Number(String(line)), files, over.signal);
  let replacedMs = 0;
  for (let time = 0; time < Number(values.times); time++) {
    const startedAt = performance.now();
    await keeper.replace();
    replacedMs = Math.max(replacedMs, performance.now() - startedAt);
    await new Promise(resolve => setTimeout(resolve, BETWEEN_MS)); // the pace of the measurement
  }
  over.abort();
  const { times, failed } = await asking;
  const sorted = times.sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
  return {
    driver,
    way,
    requests: sorted.length,
    failed,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(1),
    replacedMs,
  };
}

function pidOf(root: string): number {
  const path = join(root, 'lock');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}

/** Clients that ask one after the other, all files in one order, again from the beginning when they are through. */
async function ask(
  port: number,
  files: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<{ times: number[]; failed: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(values.clients) });
  // In the order of a digest: at random, and the same in every run.
  const order = [...files].sort(([a], [b]) => digestOf(Buffer.from(a)).localeCompare(digestOf(Buffer.from(b))));
  const times: number[] = [];
  let failed = 0;
  let next = 0;
  const client = async (): Promise<void> => {
    while (!signal.aborted) {
      const [path = '', digest = ''] = order[next++ % order.length] ?? [];
      const startedAt = performance.now();
      const isRight = await fetched(agent, port, path).then(
        bytes => digestOf(bytes) === digest,
        () => false,
      );
      times.push(performance.now() - startedAt);
      if (!isRight) failed++;
    }
  };
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  agent.destroy();
  return { times, failed };
}

function fetched(agent: Agent, port: number, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get({ agent, port, host: '127.0.0.1', path: encodeURI(path), timeout: PATIENCE_MS }, response => {
      const pieces: Buffer[] = [];
      response.on('data', piece => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(pieces));
        else reject(new Error(`${path}: ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${path}: no answer for ${PATIENCE_MS} ms`)));
    request.on('error', reject);
  });
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-replace-'));
const rows: Row[] = [];
try {
  const library = await makeLibrary(directory);
  for (const driver of values.driver.split(',')) {
    for (const way of WAYS) rows.push(await measure(directory, library, driver, way));
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
if (values.json) printJson(rows);
else {
  const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
  printTable(
    ['DRIVER', 'DAEMON', 'REQUESTS', 'FAILED', 'MEDIAN', 'P99', 'LONGEST', 'NEXT ONE AFTER'],
    rows.map(row => [
      row.driver,
      row.way,
      String(row.requests),
      String(row.failed),
      ms(row.medianMs),
      ms(row.p99Ms),
      ms(row.longestMs),
      row.way === 'undisturbed' ? '' : ms(row.replacedMs),
    ]),
    ['REQUESTS', 'FAILED', 'MEDIAN', 'P99', 'LONGEST', 'NEXT ONE AFTER'],
  );
}
process.exitCode = rows.some(({ failed }) => failed > 0) ? 1 : 0;
