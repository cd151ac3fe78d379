// Which driver a mount gets, by what works here, what the self-test says, and what the image holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DriverName, ErofsBacking, MountRequest } from '../../../core/index.ts';
import { type ChosenDriver, chooseDriver, type DriverCheck } from '../../../daemon/index.ts';
import { writeBootstrap } from '../../../image/index.ts';
import { directory, ImageBuilder } from '../image/image-builder.ts';

const isRoot = process.geteuid?.() === 0;

const PROBLEMS: Readonly<Record<DriverName, DriverCheck>> = {
  fuse: { driver: 'fuse', code: 'system', problem: 'needs root' },
  'fuse-native': { driver: 'fuse-native', code: 'unsupported', problem: 'not installed' },
  erofs: { driver: 'erofs', code: 'unsupported', problem: 'old kernel' },
};

const PLAIN = bootstrapOf(new Map());

function bootstrapOf(xattrs: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const builder = new ImageBuilder();
  const { tree } = builder.finish(directory({ 'overlay.ko': builder.file('x', { xattrs }) }));
  return writeBootstrap(tree);
}

/** What a mount gets where these drivers and these backings do not work. */
async function choose(
  request: Partial<MountRequest>,
  fails: { drivers?: readonly DriverName[]; backings?: readonly ErofsBacking[]; bootstrap?: Uint8Array } = {},
): Promise<ChosenDriver> {
  const { drivers = [], backings = [], bootstrap = PLAIN } = fails;
  const choice = await chooseDriver(
    { driver: 'auto', writable: false, ...request },
    {
      check: async driver => (drivers.includes(driver) ? PROBLEMS[driver] : { driver }),
      testErofs: async backing => (backings.includes(backing) ? `bad ${backing}` : undefined),
    },
  );
  const chosen = await choice.settle(bootstrap);
  assert.ok(choice.first === chosen.driver || (choice.first === 'erofs' && chosen.driver === 'fuse'));
  return chosen;
}

test('auto takes erofs from files where the kernel passes the self-test', async () => {
  assert.deepEqual(await choose({}), { driver: 'erofs', erofsBacking: 'file', reason: undefined });
});

test('auto takes loop devices where files fail the self-test, and fuse where both do, and says why', async () => {
  const loop = await choose({}, { backings: ['file'] });
  assert.deepEqual(loop, { driver: 'erofs', erofsBacking: 'loop', reason: 'erofs from files: bad file' });
  const fuse = await choose({}, { backings: ['file', 'loop'] });
  const reason = 'erofs: from files: bad file; by loop devices: bad loop';
  assert.deepEqual(fuse, { driver: 'fuse', reason });
});

test('auto takes the first driver that works, and says why not an earlier one', async () => {
  const fuse = await choose({}, { drivers: ['erofs'] });
  assert.deepEqual(fuse, { driver: 'fuse', reason: 'erofs: old kernel' });
  const native = await choose({}, { drivers: ['erofs', 'fuse'] });
  assert.deepEqual(native, { driver: 'fuse-native', reason: 'erofs: old kernel; fuse: needs root' });
});

test('when no driver works, every reason is given', async () => {
  const message = 'no driver works here: erofs: old kernel; fuse: needs root; fuse-native: not installed';
  await assert.rejects(choose({}, { drivers: ['erofs', 'fuse', 'fuse-native'] }), { code: 'system', message });
});

test('what was asked for by name is not replaced by something else', async () => {
  const native = { code: 'unsupported', message: 'driver fuse-native: not installed' };
  await assert.rejects(choose({ driver: 'fuse-native' }, { drivers: ['fuse-native'] }), native);
  const erofs = { code: 'unsupported', message: 'driver erofs: from files: bad file; by loop devices: bad loop' };
  await assert.rejects(choose({ driver: 'erofs' }, { backings: ['file', 'loop'] }), erofs);
  const loop = { code: 'unsupported', message: 'driver erofs: by loop devices: bad loop' };
  await assert.rejects(choose({ driver: 'erofs', erofsBacking: 'loop' }, { backings: ['loop'] }), loop);
});

test('a backing that was asked for is the only one that is tried, whatever the other is like', async () => {
  const wanted = { driver: 'erofs', erofsBacking: 'loop', reason: undefined };
  assert.deepEqual(await choose({ erofsBacking: 'loop' }, { backings: ['file'] }), wanted);
  const fuse = { driver: 'fuse', reason: 'erofs: by loop devices: bad loop' };
  assert.deepEqual(await choose({ erofsBacking: 'loop' }, { backings: ['loop'] }), fuse);
});

test('a writable mount is made of erofs, unless the image has attributes that overlayfs would obey', {
  skip: !isRoot && 'needs root',
}, async () => {
  const opaque = bootstrapOf(new Map([['trusted.overlay.opaque', Buffer.from('y')]]));
  const harmless = bootstrapOf(new Map([['user.overlay.opaque', Buffer.from('y')]]));
  const erofs = { driver: 'erofs', erofsBacking: 'file', reason: undefined };
  assert.deepEqual(await choose({ writable: true }), erofs);
  assert.deepEqual(await choose({ writable: true }, { bootstrap: harmless }), erofs);
  assert.deepEqual(await choose({ writable: false }, { bootstrap: opaque }), erofs);
  assert.equal((await choose({ writable: true }, { bootstrap: opaque })).driver, 'fuse');
  const refused = { code: 'unsupported', message: /^driver erofs: .*trusted\.overlay/ };
  await assert.rejects(choose({ writable: true, driver: 'erofs' }, { bootstrap: opaque }), refused);
});
