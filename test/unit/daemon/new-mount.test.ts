// Mounts made of options, by a file system that nobody has to serve.

import assert from 'node:assert/strict';
import { closeSync, fstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { deviceOfMount, MountFlag, moveMount, newMount } from '../../../daemon/mount/new-mount.ts';
import { atEnd, mountpointIn, mountsBelow, scratch } from './daemon-under-test.ts';

const skip = process.platform === 'linux' && process.geteuid?.() === 0 ? false : 'needs root and Linux';

function open(): number {
  return readdirSync('/proc/self/fd').length;
}

test('a mount is nowhere until it is moved somewhere, and stays there', { skip }, t => {
  const place = scratch(t);
  const mountpoint = mountpointIn(place);
  const fd = newMount(
    'tmpfs',
    [
      ['source', 'shoal test'],
      ['mode', '0700'],
    ],
    MountFlag.READ_ONLY | MountFlag.NO_EXEC,
  );
  atEnd(t, () => closeSync(fd));
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(fstatSync(fd).mode & 0o777, 0o700);
  const device = deviceOfMount(fd);
  moveMount(fd, mountpoint);
  assert.deepEqual([...mountsBelow(place)], [[mountpoint, { type: 'tmpfs', device }]]);
  assert.equal(statSync(mountpoint).ino, fstatSync(fd).ino);
});

test('what fails says so in the words of the kernel, and leaves no descriptor', { skip }, t => {
  const before = open();
  assert.throws(
    () => newMount('tmpfs', [['no such option', '1']], 0),
    error =>
      isShoalError(error, 'system') &&
      /^mount tmpfs: option no such option: EINVAL; .*no such option/.test(error.message),
  );
  assert.throws(() => newMount('no such type', [], 0), {
    code: 'unsupported',
    message: 'mount no such type: ENODEV; the kernel does not have this type',
  });
  const fd = newMount('tmpfs', [['ro', true]], 0);
  atEnd(t, () => closeSync(fd));
  assert.throws(() => moveMount(fd, join(scratch(t), 'nowhere')), { code: 'not-found' });
  assert.equal(open(), before + 1);
});
