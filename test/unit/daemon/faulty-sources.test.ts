// A mounted image whose source does everything that can go wrong, read by 64 processes in every way at once: each read gets the
// right bytes, however long it waits, or an error where it was told to; and what failed reads right afterwards, with no help.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { checkDriver, defaultFetchLimits } from '../../../daemon/index.ts';
import type { DirectoryNode } from '../../../image/index.ts';
import { FaultySource } from '../../support/faulty-source.ts';
import { directory, type ImageBuilder } from '../image/image-builder.ts';
import { mountpointIn, runOutside, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { content, libraryOf, makeImage, requestFor, type TestImage } from './lazy-image.ts';

const READERS_PROGRAM = join(import.meta.dirname, '../../support/stress-readers.py');
const READERS = 64;
const CHUNK_BYTES = 1 << 14;
/** What this test's image has nothing for. */
const OTHER_KINDS = ['exec', 'getdents', 'seekdir', 'stat'];

const FETCH = {
  ...defaultFetchLimits,
  maxRangeBytes: 4 * CHUNK_BYTES,
  maxGapBytes: 0,
  amplifyBytes: 0,
  stallTimeoutMs: 300,
  transientBackoff: { firstMs: 5, factor: 2, maxMs: 50 },
  persistentBackoff: { firstMs: 5, factor: 2, maxMs: 50 },
};

interface Files {
  readonly image: TestImage;
  readonly contents: ReadonlyMap<string, Buffer>;
}

function manyFiles(): Files {
  const contents = new Map<string, Buffer>();
  for (const name of ['one', 'two', 'three']) contents.set(`big-${name}`, content(1_500_000 + name.length, name));
  for (let number = 0; number < 120; number++) {
    contents.set(`small-${number}`, content(1 + ((number * 7919) % 20_000), `small ${number}`));
  }
  const fill = (builder: ImageBuilder): DirectoryNode =>
    directory(Object.fromEntries([...contents].map(([name, bytes]) => [name, builder.file(bytes)])));
  return { image: makeImage(fill, { chunkSize: CHUNK_BYTES }), contents };
}

async function writeManifest(path: string, contents: ReadonlyMap<string, Buffer>): Promise<void> {
  const names = [...contents.keys()];
  const files = [...contents].map(([name, bytes]) => [
    name,
    { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
  ]);
  const [big, small] = ['big', 'small'].map(kind => names.filter(name => name.startsWith(kind)));
  await writeFile(path, JSON.stringify({ files: Object.fromEntries(files), big, small }));
}

interface Totals {
  readonly readers: number;
  readonly rounds: number;
  readonly failures: number;
}

interface Mounted {
  readonly source: FaultySource;
  /** The cache file of the image's blob. */
  readonly cacheFile: () => Promise<string>;
  /** Unmounts and mounts again: the kernel has no page of it then. */
  readonly again: () => Promise<void>;
  readonly read: (options: { readonly seconds: number; readonly mayFail?: boolean }) => Promise<Totals>;
}

async function mountFaulty(
  t: TestContext,
  driver: 'fuse' | 'erofs',
  options: { readonly seed: number; readonly part: number; readonly readDeadlineMs?: number },
): Promise<Mounted> {
  const { image, contents } = manyFiles();
  const source = new FaultySource(image.origin, options);
  const root = scratch(t);
  const manifest = join(root, 'manifest.json');
  await writeManifest(manifest, contents);
  const library = libraryOf({ ...image, origin: source });
  const daemon = await startDaemon(t, library, { root: join(root, 'root'), limits: { fetch: FETCH } });
  const mountpoint = mountpointIn(root);
  const { readDeadlineMs } = options;
  const request = requestFor(image, mountpoint, { driver, readDeadlineMs });
  await daemon.mount(request, { signal });
  const without = driver === 'erofs' ? [...OTHER_KINDS, 'O_DIRECT'] : OTHER_KINDS; // erofs knows no O_DIRECT
  return {
    source,
    cacheFile: async () => {
      const cache = join(root, 'root', 'cache');
      const [file, ...others] = (await readdir(cache)).filter(name => name.endsWith('.data'));
      assert.ok(file !== undefined && others.length === 0);
      return join(cache, file);
    },
    again: async () => {
      await daemon.unmount(mountpoint, { signal });
      await daemon.mount(request, { signal });
    },
    read: async ({ seconds, mayFail = false }) => {
      const words = mayFail ? ['may-fail', ...without] : without;
      const args = [mountpoint, manifest, `${READERS}`, `${seconds}`, `${options.seed}`, ...words];
      const kinds: Totals[] = Object.values(JSON.parse(await runOutside('python3', READERS_PROGRAM, ...args)));
      const sum = (figure: (kind: Totals) => number) => kinds.reduce((all, kind) => all + figure(kind), 0);
      return {
        readers: sum(({ readers }) => readers),
        rounds: sum(({ rounds }) => rounds),
        failures: sum(({ failures }) => failures),
      };
    },
  };
}

for (const driver of ['fuse', 'erofs'] as const) {
  const { problem } = await checkDriver(driver);
  const skip = problem ?? (existsSync('/usr/bin/python3') ? false : 'python3 is not installed');

  test(`${driver}: reads wait out whatever a source does, and get the right bytes`, { skip }, async t => {
    const { source, read } = await mountFaulty(t, driver, { seed: 3, part: 0.6 });
    const { readers, rounds, failures } = await read({ seconds: 1 });
    assert.equal(readers, READERS);
    assert.ok(rounds >= READERS && failures === 0, `${rounds} rounds, ${failures} failures`);
    assert.ok(source.done.size >= 10, `faults: ${JSON.stringify([...source.done])}`);
  });

  test(`${driver}: with a deadline, reads are right or fail, and after the faults everything is right`, {
    skip,
  }, async t => {
    const { source, read } = await mountFaulty(t, driver, { seed: 5, part: 0.95, readDeadlineMs: 60 });
    const during = await read({ seconds: 3, mayFail: true });
    assert.ok(during.failures > 0, JSON.stringify(during));
    source.heal();
    const after = await read({ seconds: 0 });
    assert.deepEqual({ ...after, rounds: after.rounds >= READERS }, { readers: READERS, rounds: true, failures: 0 });
  });

  test(`${driver}: a cache file that ends too early gives errors, nothing short and no zeros, until it is whole again`, {
    skip,
  }, async t => {
    const { cacheFile, again, read } = await mountFaulty(t, driver, { seed: 7, part: 0 });
    await read({ seconds: 0 });
    await again();
    const path = await cacheFile();
    const whole = await readFile(path);
    await truncate(path, Math.floor(whole.length / 2) + 1234);
    const during = await read({ seconds: 1, mayFail: true });
    assert.ok(during.failures > 0, JSON.stringify(during));
    await writeFile(path, whole, { flag: 'r+' });
    const after = await read({ seconds: 0 });
    assert.deepEqual({ ...after, rounds: after.rounds >= READERS }, { readers: READERS, rounds: true, failures: 0 });
  });
}
