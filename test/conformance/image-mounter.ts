// The contract of ImageMounter (core/image-mounter.ts), for every implementation of it.

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import type { ErrorCode, ImageMounter, MountRequest } from '../../core/index.ts';
import { DRIVER_NAMES, isShoalError } from '../../core/index.ts';

export interface ImageMounterUnderTest {
  readonly mounter: ImageMounter;
  /** Two images that it can mount. */
  readonly references: readonly [string, string];
  /** A new empty directory, canonical. */
  readonly newMountpoint: () => string;
  /** Makes a mounted image be in use; returns what ends that. */
  readonly use: (mountpoint: string) => Promise<() => Promise<void>>;
  /** Opening images hangs until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** What an outside look at the mount table says. */
  readonly isMounted: (mountpoint: string) => boolean;
}

type Setup = (t: TestContext) => Promise<ImageMounterUnderTest>;

const signal = new AbortController().signal;

export function imageMounterConformance(name: string, setup: Setup): void {
  describe(`image mounter: ${name}`, () => {
    const request = (reference: string, mountpoint: string): MountRequest => ({
      reference,
      mountpoint,
      driver: 'auto',
      writable: false,
      plainHttp: false,
      insecure: false,
    });
    const hasCode = (code: ErrorCode) => (error: unknown) => isShoalError(error, code);

    test('mounts, lists and unmounts', async t => {
      const { mounter, references, newMountpoint, isMounted } = await setup(t);
      const mountpoint = newMountpoint();
      const info = await mounter.mount(request(references[0], mountpoint), { signal });
      assert.equal(info.reference, references[0]);
      assert.equal(info.mountpoint, mountpoint);
      assert.ok(DRIVER_NAMES.includes(info.driver));
      assert.equal(isMounted(mountpoint), true);
      const [listed] = await mounter.list({ signal });
      assert.deepEqual({ ...listed, stats: undefined }, { ...info, stats: undefined });
      await mounter.unmount(mountpoint, { signal });
      assert.equal(isMounted(mountpoint), false);
      assert.deepEqual(await mounter.list({ signal }), []);
    });

    test('mounts images side by side, also the same one twice and at once', async t => {
      const { mounter, references, newMountpoint } = await setup(t);
      const places = [references[0], references[1], references[0]].map(
        reference => [reference, newMountpoint()] as const,
      );
      await Promise.all(
        places.map(([reference, mountpoint]) => mounter.mount(request(reference, mountpoint), { signal })),
      );
      const listed = (await mounter.list({ signal })).map(
        ({ reference, mountpoint }) => [reference, mountpoint] as const,
      );
      assert.deepEqual(new Set(listed.map(String)), new Set(places.map(String)));
      await Promise.all(places.map(([, mountpoint]) => mounter.unmount(mountpoint, { signal })));
      assert.deepEqual(await mounter.list({ signal }), []);
    });

    test('refuses a mountpoint that is one of its own, and leaves the first mount alone', async t => {
      const { mounter, references, newMountpoint, isMounted } = await setup(t);
      const mountpoint = newMountpoint();
      const results = await Promise.allSettled(
        references.map(reference => mounter.mount(request(reference, mountpoint), { signal })),
      );
      assert.equal(results[0]?.status, 'fulfilled', 'calls for one mountpoint are served in order');
      assert.ok(results[1]?.status === 'rejected' && hasCode('busy')(results[1].reason));
      assert.equal((await mounter.list({ signal }))[0]?.reference, references[0]);
      assert.equal(isMounted(mountpoint), true);
    });

    test('serves an unmount that was asked for after a mount in that order', async t => {
      const { mounter, references, newMountpoint } = await setup(t);
      const mountpoint = newMountpoint();
      const calls = [
        mounter.mount(request(references[0], mountpoint), { signal }),
        mounter.unmount(mountpoint, { signal }),
        mounter.mount(request(references[1], mountpoint), { signal }),
      ];
      await Promise.all(calls);
      assert.equal((await mounter.list({ signal }))[0]?.reference, references[1]);
    });

    test('says not-found for a mountpoint that is missing or a file, for an unknown image, for what is not mounted', async t => {
      const { mounter, references, newMountpoint } = await setup(t);
      const mountpoint = newMountpoint();
      const missing = `${mountpoint}-missing`;
      const file = `${mountpoint}-file`;
      await writeFile(file, '');
      t.after(() => rm(file, { force: true }));
      for (const path of [missing, file, join(missing, 'deeper')]) {
        await assert.rejects(mounter.mount(request(references[0], path), { signal }), hasCode('not-found'), path);
      }
      await assert.rejects(
        mounter.mount(request('registry.test/unknown:1', mountpoint), { signal }),
        hasCode('not-found'),
      );
      await assert.rejects(mounter.unmount(mountpoint, { signal }), hasCode('not-found'));
      assert.deepEqual(await mounter.list({ signal }), []);
    });

    test('refuses to unmount what is in use, unless by force', async t => {
      const { mounter, references, newMountpoint, use, isMounted } = await setup(t);
      const [kept, forced] = [newMountpoint(), newMountpoint()];
      await mounter.mount(request(references[0], kept), { signal });
      await mounter.mount(request(references[0], forced), { signal });
      const letGo = [await use(kept), await use(forced)];
      await assert.rejects(mounter.unmount(kept, { signal }), hasCode('busy'));
      assert.equal(isMounted(kept), true);
      await mounter.unmount(forced, { signal, force: true });
      assert.equal(isMounted(forced), false);
      for (const end of letGo) await end();
      await mounter.unmount(kept, { signal });
      assert.deepEqual(await mounter.list({ signal }), []);
    });

    test('undoes a mount whose caller gives up', async t => {
      const { mounter, references, newMountpoint, isMounted, pause, resume } = await setup(t);
      const mountpoint = newMountpoint();
      pause();
      const controller = new AbortController();
      const call = mounter.mount(request(references[0], mountpoint), { signal: controller.signal });
      setImmediate(() => controller.abort());
      await assert.rejects(call, hasCode('aborted'));
      resume();
      await assert.rejects(
        mounter.mount(request(references[0], mountpoint), { signal: AbortSignal.abort() }),
        hasCode('aborted'),
      );
      assert.deepEqual(await mounter.list({ signal }), []);
      assert.equal(isMounted(mountpoint), false);
      await mounter.mount(request(references[0], mountpoint), { signal });
      await mounter.unmount(mountpoint, { signal });
    });
  });
}
