// Question: does a web service notice that the daemon below its root is replaced, or killed, ten times? A program from an image
// serves the image's own files from a lazily mounted root, of which nothing is there at first, while clients ask for them in a
// random order and compare every answer. The baseline runs in the same process: the same requests, and nobody touches the daemon.
//
//   sh scripts/with-node.sh bench/replace.ts [--times 10] [--clients 8] [--driver fuse,erofs] [--images DIRECTORY] [--json]
//
// Exit code 1 when a request failed. Needs root, debootstrap, umoci, skopeo and a mirror of Debian.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printTable } from '../cli/output.ts';
import { buildDebianImages } from '../test/support/debian-images.ts';
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

const SERVICE = `
import functools, http.server
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory='/usr'))
print(server.server_port, flush=True)
server.serve_forever()
`;

type Way = 'undisturbed' | 'takeover' | 'SIGKILL';
const WAYS: readonly Way[] = ['undisturbed', 'takeover', 'SIGKILL'];

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
  /** By path below /usr, the digest of what it must give. */
  readonly files: ReadonlyMap<string, string>;
}

async function makeLibrary(directory: string): Promise<Library> {
  const built = values.images ?? join(directory, 'images');
  await mkdir(built, { recursive: true });
  const { layout } = await buildDebianImages(built, {});
  const image = `oci:${join(directory, 'converted')}:python`;
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
  return { image, files };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function measure(directory: string, { image, files }: Library, driver: string, way: Way): Promise<Row> {
  const base = await mkdtemp(join(directory, 'run-'));
  const root = join(base, 'root');
  const mountpoint = join(base, 'mnt');
  await mkdir(mountpoint);
  const started: ChildProcess[] = [];
  const start = (...options: string[]): ChildProcess => {
    const child = spawn(process.execPath, [MAIN, '--root', root, 'daemon', ...options], {
      stdio: 'ignore',
      env: { ...process.env, SHOAL_BACKGROUND_FILL: 'false' },
    });
    started.push(child);
    return child;
  };
  const isThere = async (before: number) =>
    pidOf(root) !== before && (await callShoal(['metrics'], { root })).code === 0;
  let service: ChildProcess | undefined;
  try {
    start(...(way === 'SIGKILL' ? ['--supervise'] : []));
    await until(() => isThere(0), 'a daemon');
    const mounted = await callShoal(['mount', '--driver', driver, image, mountpoint], { root });
    if (mounted.code !== 0) throw new Error(mounted.stderr);
    service = spawn('chroot', [mountpoint, 'python3', '-c', SERVICE], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(service.stdout ?? service, 'data');
    const over = new AbortController();
    const asking = ask(Number(String(line)), files, over.signal);
    let replacedMs = 0;
    for (let time = 0; time < Number(values.times); time++) {
      const before = pidOf(root);
      const startedAt = performance.now();
      if (way === 'takeover') start('--takeover');
      else if (way === 'SIGKILL') process.kill(before, 'SIGKILL');
      if (way !== 'undisturbed') await until(() => isThere(before), 'the next daemon');
      replacedMs = Math.max(replacedMs, way === 'undisturbed' ? 0 : performance.now() - startedAt);
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
  } finally {
    service?.kill('SIGKILL');
    await callShoal(['umount', '--force', mountpoint], { root });
    await callShoal(['daemon', 'stop'], { root });
    for (const child of started) child.kill('SIGKILL');
    await removeLeftovers(base);
    await rm(base, { recursive: true, force: true, maxRetries: 10 });
  }
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
