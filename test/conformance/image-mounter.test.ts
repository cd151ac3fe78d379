import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { abortedError, digestFromHex, type ImageMounter, silentLogger, systemClock } from '../../core/index.ts';
import { startControlApi } from '../../daemon/control-api.ts';
import { ControlClient, checkDriver, type Daemon, type ImageLibrary } from '../../daemon/index.ts';
import { MemoryMounter } from '../support/memory-mounter.ts';
import { atEnd, scratch, startDaemon } from '../unit/daemon/daemon-under-test.ts';
import { libraryOf, makeImage } from '../unit/daemon/lazy-image.ts';
import { directory } from '../unit/image/image-builder.ts';
import { type ImageMounterUnderTest, imageMounterConformance } from './image-mounter.ts';

const references = ['registry.test/one:1', 'registry.test/two:2'] as const;

imageMounterConformance('in memory', async t => {
  const mounter = new MemoryMounter();
  const mounted = () => mounter.list();
  for (const reference of references) mounter.images.set(reference, digestFromHex('0'.repeat(64)));
  const root = scratch(t);
  let known: readonly string[] = [];
  const watched: ImageMounter = {
    list: () => mounted(),
    mount: async (...call) => {
      const info = await mounter.mount(...call);
      known = (await mounted()).map(({ mountpoint }) => mountpoint);
      return info;
    },
    unmount: async (...call) => {
      await mounter.unmount(...call);
      known = (await mounted()).map(({ mountpoint }) => mountpoint);
    },
  };
  return {
    mounter: watched,
    references,
    newMountpoint: () => mkdtempSync(join(root, 'mnt-')),
    use: async mountpoint => {
      mounter.busy.add(mountpoint);
      return async () => {
        mounter.busy.delete(mountpoint);
      };
    },
    pause: () => mounter.pause(),
    resume: () => mounter.resume(),
    isMounted: mountpoint => known.includes(mountpoint),
  };
});

/** A daemon with two images and a library that can be made to hang. */
async function realDaemon(t: TestContext): Promise<{ daemon: Daemon; bench: Omit<ImageMounterUnderTest, 'mounter'> }> {
  const images = references.map(reference =>
    makeImage(builder => directory({ file: builder.file(reference) }), { reference }),
  );
  const inner = libraryOf(...images);
  let gate: PromiseWithResolvers<void> | undefined;
  const library: ImageLibrary = {
    ...inner,
    open: async (request, { signal }) => {
      if (gate !== undefined) await Promise.race([gate.promise, aborted(signal)]);
      return inner.open(request, { signal });
    },
  };
  const directoryOfMounts = scratch(t);
  const daemon = await startDaemon(t, library);
  const bench = {
    references,
    newMountpoint: () => mkdtempSync(join(directoryOfMounts, 'mnt-')),
    use: (mountpoint: string) => useFromOutside(t, mountpoint),
    pause: () => {
      gate = Promise.withResolvers();
    },
    resume: () => {
      gate?.resolve();
      gate = undefined;
    },
    isMounted: (mountpoint: string) => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountpoint} `),
  };
  return { daemon, bench };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(abortedError(signal));
    signal.addEventListener('abort', () => reject(abortedError(signal)), { once: true });
  });
}

/** A process with its working directory in the mount. */
async function useFromOutside(t: TestContext, mountpoint: string): Promise<() => Promise<void>> {
  const program = 'import os, sys; os.chdir(sys.argv[1]); print(1, flush=True); sys.stdin.read()';
  const child = spawn('python3', ['-c', program, mountpoint], { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const gone = once(child, 'close');
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await gone;
  };
}

imageMounterConformance('daemon', async t => {
  const { daemon, bench } = await realDaemon(t);
  return { mounter: daemon, ...bench };
});

for (const driver of ['fuse-native', 'erofs'] as const) {
  if (driver === 'erofs' && (await checkDriver(driver)).problem !== undefined) continue;
  imageMounterConformance(`daemon with the driver ${driver}`, async t => {
    const { daemon, bench } = await realDaemon(t);
    const mounter: ImageMounter = {
      mount: (request, options) => daemon.mount({ ...request, driver }, options),
      unmount: (...call) => daemon.unmount(...call),
      list: () => daemon.list(),
    };
    return { mounter, ...bench };
  });
}

imageMounterConformance('daemon over its control socket', async t => {
  const { daemon, bench } = await realDaemon(t);
  const socket = join(scratch(t), 'control.sock');
  const metrics = () => daemon.metrics();
  const swarm = () => daemon.swarm();
  const ports = {
    mounter: daemon,
    metrics,
    swarm,
    clock: systemClock,
    log: silentLogger,
    onStop: () => {},
    handOver: async () => {},
    onHandedOver: () => {},
  };
  const api = await startControlApi(ports, { socket, version: 'test' });
  atEnd(t, () => api.stop());
  return { mounter: new ControlClient(socket), ...bench };
});
