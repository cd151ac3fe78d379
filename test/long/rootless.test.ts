// A user without root: the real command line and daemon of that user, fusermount, a registry behind real sockets.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';
import { isDigest, type MountInfo } from '../../core/index.ts';
import { ControlClient } from '../../daemon/index.ts';
import { buildImage } from '../support/image-builder.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts';
import { makeShoal } from '../support/shoal.ts';
import { makeUnprivileged, type Unprivileged, unprivilegedProblem } from '../support/unprivileged.ts';
import { until } from '../support/until.ts';

/** More than readahead of one file brings along with another. */
const FILE_BYTES = 150_000;
const READERS = 64;

/** core/chunk-map.ts */
const MAP_HEADER_BYTES = 64;

/** Reads every path at once and prints "PATH SHA256", or "PATH ERRNO", for each. */
const READ_ALL = `
  const { readFile } = require('node:fs/promises');
  const { createHash } = require('node:crypto');
  for (const path of process.argv.slice(1)) {
    readFile(path).then(
      bytes => console.log(path + ' ' + createHash('sha256').update(bytes).digest('hex')),
      error => console.log(path + ' ' + error.code),
    );
  }`;

function contentOf(name: string): Buffer {
  const blocks: Buffer[] = [];
  for (let index = 0; index * 32 < FILE_BYTES; index++) {
    blocks.push(createHash('sha256').update(`${name} ${index}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, FILE_BYTES);
}

function lineOf(folder: string, name: string): string {
  return `${join(folder, name)} ${createHash('sha256').update(contentOf(name)).digest('hex')}`;
}

/** Some more than must wait: a fetch of one file brings its neighbours along. */
const COLD = Array.from({ length: READERS + 8 }, (_, index) => `cold-${index}`);

/** Reads of the user's mounts that wait. */
async function waiting(user: Unprivileged): Promise<number> {
  const { signal } = new AbortController();
  const mounts = await new ControlClient(join(user.root, 'control.sock')).list({ signal });
  return mounts.reduce((sum, { stats }) => sum + stats.waiting, 0);
}

function daemonPid(user: Unprivileged): number {
  return Number(readFileSync(join(user.root, 'lock'), 'utf8'));
}

/** Blob digests of the accelerated image. */
function blobsOf(registry: MemoryRegistry): string[] {
  return [...registry.repository('app').manifests.values()]
    .flatMap(({ bytes }) => JSON.parse(bytes.toString()).layers)
    .filter(layer => layer.mediaType.includes('nydus'))
    .map(layer => layer.digest);
}

const skip = unprivilegedProblem();

suite('without root', { timeout: 480_000, skip }, () => {
  const endings: (() => unknown)[] = [];
  const later = { after: (work: () => unknown) => void endings.push(work) };
  let registry: MemoryRegistry;
  let image = '';

  /** An image in a registry: `warm`, and many files of which none comes along with another. */
  before(async () => {
    registry = await startMemoryRegistry(later);
    const builder = await makeShoal(later);
    const tar = ['warm', ...COLD].map(path => ({ path, content: contentOf(path) }));
    const { reference } = await buildImage(join(builder.scratch, 'layout'), { layers: [{ tar }] });
    image = `${registry.host}/app:latest`;
    await builder.ok('convert', '--plain-http', '--chunk-size', '262144', reference, image);
  });

  let isAway = false;

  /** The registry; it is back when the test ends, however it ends. */
  async function goAway(t: TestContext): Promise<void> {
    await registry.goAway();
    isAway = true;
    t.after(comeBack);
  }

  async function comeBack(): Promise<void> {
    if (isAway) await registry.comeBack();
    isAway = false;
  }

  after(async () => {
    for (const end of endings.reverse()) await end();
  });

  test('mount, read, list and unmount work; the state is below the home, and root sees nothing of it', async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    const result = await user.run('mount', '--plain-http', image, mountpoint);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /driver fuse-native/);
    assert.match(result.stderr, /because erofs, fuse: needs root/);
    assert.equal((await user.start(READ_ALL, join(mountpoint, 'warm')).output).trim(), lineOf(mountpoint, 'warm'));
    const [info] = (await user.json('ps')) as MountInfo[];
    assert.deepEqual([info?.driver, info?.mountpoint], ['fuse-native', mountpoint]);
    assert.ok((info?.stats.misses ?? 0) > 0 && (info?.stats.fetchedBytes ?? 0) > 0);
    await assert.rejects(readdir(mountpoint), { code: 'EACCES' }, 'root is refused by the kernel, without a request');
    assert.ok(existsSync(join(user.root, 'control.sock')));
    assert.equal((await user.run('mount', '--plain-http', image, mountpoint)).code, 75);
    await user.ok('umount', mountpoint);
    assert.deepEqual(user.mounts(), []);
  });

  test('what needs root is refused by name, with what to do instead', async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    const cases: [string[], number, RegExp][] = [
      [
        ['mount', '--plain-http', '--driver', 'fuse', image, mountpoint],
        71,
        /driver fuse: needs root, this is user \d+/,
      ],
      [['mount', '--plain-http', '--rw', image, mountpoint], 67, /writable layer.*needs root.*without --rw/],
      [['run', '--plain-http', image], 67, /shoal run needs root.*bwrap/],
      [['demo'], 67, /demonstration needs root/],
      [['mount', '--plain-http', '--non-empty', image, '/usr'], 71, /no write access/],
    ];
    for (const [args, code, message] of cases) {
      const result = await user.run(...args);
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, message);
    }
    chmodSync('/dev/fuse', 0o600);
    const result = await user.run('mount', '--plain-http', image, mountpoint);
    assert.equal(result.code, 71);
    assert.match(
      result.stderr,
      /no driver works here: erofs, fuse: needs root.*fuse-native: user \d+ may not open \/dev\/fuse.*0666/,
    );
    assert.deepEqual(user.mounts(), []);
  });

  test(`${READERS} readers wait for a registry that died, cached reads go on, a reader can be killed, all end right`, async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    await user.ok('mount', '--plain-http', image, mountpoint);
    const warm = () => user.start(READ_ALL, join(mountpoint, 'warm')).output;
    assert.equal((await warm()).trim(), lineOf(mountpoint, 'warm'));
    await goAway(t);
    const readers = user.start(READ_ALL, ...COLD.map(name => join(mountpoint, name)));
    await until(async () => (await waiting(user)) >= READERS, 'the readers wait');
    const victim = user.start(READ_ALL, join(mountpoint, COLD.at(-1) ?? ''));
    await until(() => waitsInKernel(victim.pid), 'one more waits');
    process.kill(victim.pid, 'SIGKILL');
    assert.equal(await victim.output, '');
    assert.equal((await warm()).trim(), lineOf(mountpoint, 'warm'));
    await comeBack();
    const lines = (await readers.output).trim().split('\n').sort();
    assert.deepEqual(lines, COLD.map(name => lineOf(mountpoint, name)).sort());
  });

  test('a corrupt chunk is never shown; when it is whole again, the read goes on', async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    await user.ok('mount', '--plain-http', image, mountpoint);
    const [digest = ''] = blobsOf(registry);
    assert.ok(isDigest(digest));
    registry.corrupt(digest, 100); // in the first chunk, which is the file's
    const reader = user.start(READ_ALL, join(mountpoint, 'warm'));
    const asked = () => registry.requestsTo(`GET /v2/app/blobs/${digest}`).length;
    const before = asked();
    await until(() => asked() >= before + 2, 'the corrupt chunk is asked for again');
    assert.equal(await waiting(user), 1);
    registry.corrupt(digest, 100);
    assert.equal((await reader.output).trim(), lineOf(mountpoint, 'warm'));
  });

  test('after SIGKILL of the daemon its mount is dead, and the next one clears it and needs no registry', async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    await user.ok('mount', '--plain-http', image, mountpoint);
    const read = () => user.start(READ_ALL, join(mountpoint, 'warm')).output;
    assert.equal((await read()).trim(), lineOf(mountpoint, 'warm'));
    await until(() => chunksAreNoted(user), 'the chunk is noted');
    process.kill(daemonPid(user), 'SIGKILL');
    await until(async () => /ENOTCONN|ECONNABORTED/.test(await read()), 'the mount is dead');
    assert.deepEqual(user.mounts(), [mountpoint]);
    await user.ok('mount', '--plain-http', image, mountpoint);
    assert.deepEqual(user.mounts(), [mountpoint]);
    await goAway(t);
    assert.equal((await read()).trim(), lineOf(mountpoint, 'warm'));
    await comeBack();
    await user.ok('umount', mountpoint);
  });

  test('killed while it mounts, at any moment, the daemon leaves nothing that the next one cannot clear', async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('app');
    for (const delayMs of [0, 100, 200]) {
      const mounting = user.run('mount', '--plain-http', image, mountpoint);
      const record = join(user.root, 'state.json');
      await until(() => existsSync(record) && /"id"/.test(readFileSync(record, 'utf8')), 'the mount is written down');
      await new Promise(resolve => setTimeout(resolve, delayMs));
      process.kill(daemonPid(user), 'SIGKILL');
      // Whatever it left is gone before anything new is mounted: by that same command, which asks a new daemon, or by hand.
      if ((await mounting).code !== 0) await user.ok('mount', '--plain-http', image, mountpoint);
      assert.deepEqual(user.mounts(), [mountpoint], `after ${delayMs} ms`);
      await user.ok('umount', mountpoint);
      await until(() => !existsSync(join(user.root, 'control.sock')), 'the daemon ends');
    }
  });
});

/** A thread of the process waits in the kernel: for a page that is being read. */
function waitsInKernel(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).some(task => {
    try {
      return /^State:\s*D/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8'));
    } catch {
      return false; // it has ended
    }
  });
}

/** Chunks are noted in the map files, so that they survive a kill. */
function chunksAreNoted(user: Unprivileged): boolean {
  const cache = join(user.root, 'cache');
  const maps = readdirSync(cache).filter(name => name.endsWith('.map'));
  return maps.some(name =>
    readFileSync(join(cache, name))
      .subarray(MAP_HEADER_BYTES)
      .some(byte => byte !== 0),
  );
}
