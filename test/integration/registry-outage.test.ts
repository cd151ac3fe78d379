// What programs on a node notice when the registry dies: those that need nothing new, nothing; those that do, a wait.
// The real command line and daemon, a registry behind real sockets, readers in processes of their own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { MountInfo } from '../../core/index.ts';
import { isDigest } from '../../core/index.ts';
import { checkDriver } from '../../daemon/index.ts';
import { buildImage } from '../support/image-builder.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts';
import { makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const COLD_FILES = 260;
const WARM_FILES = 20;
const FILE_BYTES = 40_000;
/** Issue A, Show 7: at least so many reads hang while others go on. */
const WAITING_READS = 200;
const CACHED_READ_MS = 50;

/** Bytes that do not compress, the same in every run. */
function contentOf(name: string): Buffer {
  const blocks: Buffer[] = [];
  for (let index = 0; index * 32 < FILE_BYTES; index++) {
    blocks.push(createHash('sha256').update(`${name} ${index}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, FILE_BYTES);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const COLD_NAMES = Array.from({ length: COLD_FILES }, (_, index) => `cold-${index}`);
const WARM_NAMES = Array.from({ length: WARM_FILES }, (_, index) => `warm-${index}`);

/** Reads every path at once, each in a thread of its own, and prints "PATH SHA256" for each. */
const READ_ALL = `
  const { readFile } = require('node:fs/promises');
  const { createHash } = require('node:crypto');
  for (const path of process.argv.slice(1)) {
    readFile(path).then(
      bytes => console.log(path + ' ' + createHash('sha256').update(bytes).digest('hex')),
      error => console.log(path + ' ' + error.code),
    );
  }`;

/** Reads the paths again and again past the page cache, where the driver allows it; prints the 99th percentile of one open-read-close, in ms. */
const TIME_READS = `
  const { openSync, readSync, closeSync, constants } = require('node:fs');
  const buffer = Buffer.alloc(1 << 20);
  const times = [];
  for (let round = 0; round < 20; round++) {
    for (const path of process.argv.slice(1)) {
      const started = performance.now();
      const fd = openSync(path, constants.O_RDONLY | Number(process.env.READ_FLAGS ?? constants.O_DIRECT));
      readSync(fd, buffer, 0, buffer.length, 0);
      closeSync(fd);
      times.push(performance.now() - started);
    }
  }
  times.sort((a, b) => a - b);
  console.log(times[Math.floor(times.length * 0.99)]);`;

interface Running {
  readonly output: Promise<string>;
  readonly pid: number;
}

function runScript(
  t: TestContext,
  script: string,
  paths: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, ['-e', script, ...paths], {
    env: { ...process.env, ...env, UV_THREADPOOL_SIZE: '512' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  const output = new Promise<string>(done => child.once('close', () => done(text)));
  return { output, pid: child.pid ?? 0 };
}

async function pushImage(shoal: Shoal, registry: MemoryRegistry, name: string, files: readonly string[]) {
  const layout = join(shoal.scratch, `layout-${name}`);
  const tar = files.map(path => ({ path, content: contentOf(path) }));
  const { reference } = await buildImage(layout, { layers: [{ tar }] });
  await shoal.ok('convert', '--plain-http', reference, `${registry.host}/${name}:latest`);
  const mountpoint = join(shoal.scratch, name);
  await mkdir(mountpoint);
  return mountpoint;
}

async function waitingReads(shoal: Shoal): Promise<number> {
  const mounts = (await shoal.json('ps')) as MountInfo[];
  return mounts.reduce((sum, mount) => sum + mount.stats.waiting, 0);
}

suite('when the registry goes away', { timeout: 480_000 }, () => {
  // What the kernel reads ahead of a device stands for many reads of files.
  for (const [driver, leastWaiting] of [
    ['fuse', WAITING_READS],
    ['erofs', WAITING_READS / 10],
  ] as const) {
    test(`hundreds of reads wait, cached reads go on at once, and all end with right bytes when it is back (driver ${driver})`, async t => {
      const { problem } = await checkDriver(driver);
      if (problem !== undefined) return t.skip(problem);
      const flags: Readonly<Record<string, string>> = driver === 'erofs' ? { READ_FLAGS: '0' } : {};
      const registry = await startMemoryRegistry(t);
      const shoal = await makeShoal(t);
      const first = await pushImage(shoal, registry, 'first', [...COLD_NAMES, ...WARM_NAMES]);
      const second = await pushImage(
        shoal,
        registry,
        'second',
        WARM_NAMES.map(name => `other-${name}`),
      );
      for (const [name, mountpoint] of [
        ['first', first],
        ['second', second],
      ]) {
        const reference = `${registry.host}/${name}:latest`;
        await shoal.ok('mount', '--plain-http', '--driver', driver, reference, mountpoint ?? '');
      }
      const cached = [
        ...WARM_NAMES.map(name => join(first, name)),
        ...WARM_NAMES.map(name => join(second, `other-${name}`)),
      ];
      const seen = (await runScript(t, READ_ALL, cached).output).trim().split('\n');
      const wrong = seen.filter(line => !/ [0-9a-f]{64}$/.test(line));
      assert.deepEqual([seen.length, wrong], [cached.length, []]);

      await registry.goAway();
      const reader = runScript(
        t,
        READ_ALL,
        COLD_NAMES.map(name => join(first, name)),
      );
      await until(async () => (await waitingReads(shoal)) >= leastWaiting, 'for the cold reads to wait');
      const p99 = Number(await runScript(t, TIME_READS, cached, flags).output);
      assert.ok((await waitingReads(shoal)) >= leastWaiting, 'the reads no longer wait');
      assert.ok(p99 > 0 && p99 < CACHED_READ_MS, `99 % of cached reads took up to ${p99} ms`);
      t.diagnostic(
        `99th percentile of cached reads beside ${await waitingReads(shoal)} waiting ones: ${p99.toFixed(2)} ms`,
      );

      await registry.comeBack();
      const found = new Map(
        (await reader.output)
          .trim()
          .split('\n')
          .map(line => line.split(' ') as [string, string]),
      );
      const expected = new Map(COLD_NAMES.map(name => [join(first, name), sha256(contentOf(name))]));
      assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
    });
  }

  test('a blob that is corrupt there never reaches a reader; when it is whole again, reads go on', async t => {
    const registry = await startMemoryRegistry(t);
    const shoal = await makeShoal(t);
    const mountpoint = await pushImage(shoal, registry, 'app', ['file']);
    const manifests = [...registry.repository('app').manifests.values()].map(({ bytes }) =>
      JSON.parse(bytes.toString()),
    );
    const digest: string = manifests
      .flatMap(manifest => manifest.layers)
      .find(layer => layer.mediaType.includes('nydus')).digest;
    assert.ok(isDigest(digest));
    await shoal.ok('mount', '--plain-http', `${registry.host}/app:latest`, mountpoint);
    registry.corrupt(digest, 100);
    const reader = runScript(t, READ_ALL, [join(mountpoint, 'file')]);
    await until(
      () => registry.requestsTo(`GET /v2/app/blobs/${digest}`).length >= 2,
      'for the corrupt blob to be asked for twice',
    );
    assert.equal(await waitingReads(shoal), 1);
    registry.corrupt(digest, 100);
    assert.equal((await reader.output).trim(), `${join(mountpoint, 'file')} ${sha256(contentOf('file'))}`);
  });
});
