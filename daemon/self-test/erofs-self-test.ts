// The self-test of the driver erofs (design §6 rule 7): a read of which the first page is in memory, and the rest cannot be
// had, must not give zeros for the rest; some kernels of 2024 and 2025 do. The way is that of every mount: a connection
// mounted nowhere, the bootstrap over it, and the server of all drivers behind it, whose one chunk comes and goes. Nobody
// sees its mounts, and they go with the helper, whatever happens.

import { closeSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abortedError,
  type ChunkMap,
  type Clock,
  createChunkMap,
  type ErofsBacking,
  fromSystemError,
  ShoalError,
  silentLogger,
} from '../../core/index.ts';
import { BootstrapReader, FlatReader } from '../../image/index.ts';
import { writeBootstrapFile } from '../bootstrap-file.ts';
import { defaultServeLimits } from '../config.ts';
import { ErofsPlan } from '../erofs-plan.ts';
import { planRings, ringFacts } from '../fuse/ring-plan.ts';
import type { ServerThreads } from '../fuse/server-threads.ts';
import { FuseSession } from '../fuse/session.ts';
import { FuseStart } from '../fuse-start.ts';
import type { MountHelper } from '../mount/helper-client.ts';
import type { Range } from '../mount/helper-protocol.ts';
import { SharedCounters } from '../shared-counters.ts';
import { makeTestImage, type TestImage } from './test-image.ts';
import { judgeFailing, judgeHealed, type TestRead } from './verdict.ts';

export interface SelfTestPorts {
  readonly clock: Clock;
  readonly helper: Pick<MountHelper, 'forMount' | 'abort'>;
  readonly threads: ServerThreads;
}

export interface SelfTestOptions {
  readonly backing: ErofsBacking;
  /** Made and removed here, with whatever is in it. */
  readonly directory: string;
}

/** One thread is enough, and nothing is read ahead: what is in memory must be what was read. */
const LIMITS = { ...defaultServeLimits, workers: 1, readaheadBytes: 0 };
const SOURCE = 'shoal:self-test';
const FIRST_PAGE: Range = { offset: 0, length: 4096 };

/**
 * Resolves with what is wrong with EROFS over this backing here; undefined: nothing. Rejects when it could not be tested:
 * the kernel cannot mount it, something is missing, or the signal fired. Then, too, nothing of it is left.
 */
export async function testErofs(
  ports: SelfTestPorts,
  { backing, directory }: SelfTestOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using held = new AsyncDisposableStack();
  const image = makeTestImage();
  const map = createChunkMap(image.chunks.length);
  const reader = new BootstrapReader(new Uint8Array(image.bootstrap), image.chunks);
  const plan = new ErofsPlan(reader, { backing, directory, source: SOURCE });
  held.defer(() => rm(directory, { recursive: true, force: true }));
  const blob = await writeBlob(directory, image);
  await writeBootstrapFile(image.bootstrap, join(directory, SOURCE), held);
  await plan.prepare([], held);
  const exported = backing === 'loop' ? FlatReader.FILE_NAME : image.blobId;
  using fuse = new FuseStart(ports);
  const fd = fuse.takeDevice();
  held.defer(() => closeSync(fd));
  let device: string | undefined;
  const abort = async () => {
    if (device !== undefined && !ended) await ports.helper.abort(device, fd);
  };
  const session = makeSession(ports, { image, plan, map, blob, fd, onUnservable: () => void abort().catch(() => {}) });
  held.defer(() => session.stop());
  let ended = false;
  void session.ended.then(() => {
    ended = true;
  });
  const { helper } = fuse;
  const steps = async (): Promise<string | undefined> => {
    const [, mounted] = await Promise.all([session.load(), helper.mountDevices({ readaheadBytes: 0 })]);
    device = mounted;
    await session.serve(signal);
    const readAll = async (of: 'devices' | 'erofs', ranges: readonly Range[]): Promise<readonly TestRead[]> => {
      const results = await helper.readFile({ of, path: of === 'devices' ? exported : image.path, ranges });
      return ranges.map((range, at) => ({ ...range, result: results[at] ?? { errno: 'none' } }));
    };
    map.markPresent(image.chunk);
    if (backing === 'file') {
      const primed = judgeHealed(await readAll('devices', [FIRST_PAGE]), image.bytes);
      if (primed !== undefined) throw new ShoalError('internal', `self-test: of the exported file: ${primed}`);
    }
    map.markAbsent(image.chunk);
    const devices = await plan.devices(async names => names.map(name => ({ export: name })));
    await helper.mountErofs({ ...plan.order(undefined, devices), readaheadBytes: 0 });
    const whole: Range = { offset: 0, length: image.bytes.length };
    const half = image.bytes.length / 2;
    const failing = judgeFailing(await readAll('erofs', [whole, { offset: half, length: half }]), image.bytes);
    map.markPresent(image.chunk);
    return failing ?? judgeHealed(await readAll('erofs', [whole]), image.bytes);
  };
  try {
    return await either(steps(), signal);
  } finally {
    // Only while the helper holds it: afterwards it ends by itself, and its number may be another connection's.
    if (signal.aborted) await abort().catch(() => {});
  }
}

/** The device's bytes, as a cache file has them. */
async function writeBlob(directory: string, image: TestImage): Promise<string> {
  const path = join(directory, 'device');
  try {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(path, image.bytes, { mode: 0o600 });
    return path;
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
}

function makeSession(
  { clock, threads }: SelfTestPorts,
  what: { image: TestImage; plan: ErofsPlan; map: ChunkMap; blob: string; fd: number; onUnservable: () => void },
): FuseSession {
  const { image, plan, map, blob, fd, onUnservable } = what;
  const { bootstrap, chunks } = image;
  return new FuseSession(
    {
      clock,
      threads,
      log: silentLogger, // who wants the result says it
      completer: { attach: async () => ({ serve: async () => false, detach: async () => {} }) },
      fetch: () => Promise.reject(new ShoalError('unavailable', 'the self-test has no such chunk')),
      onUnservable,
      onClones: async () => {}, // it ends with this process
    },
    {
      fd,
      image: { shows: plan.shows, bootstrap, chunks, blobs: plan.sources([{ map: map.buffer, path: blob }]) },
      counters: new SharedCounters(),
      limits: LIMITS,
      readDeadlineMs: undefined,
      blocks: 1,
      inodes: 1,
      rings: planRings(ringFacts(), LIMITS.workers),
    },
  );
}

/** What comes first: the work's end, or the signal. */
async function either<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  const fired = new Promise<never>((_, reject) => {
    const onAbort = () => reject(abortedError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { signal: over.signal });
  });
  work.catch(() => {}); // when the signal was first
  try {
    return await Promise.race([work, fired]);
  } finally {
    over.abort();
  }
}
