import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountOutput, parseMountTable, topMount } from '../../../daemon/mount/mount-table.ts';

const TABLE = `22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw
90 28 0:45 / /mnt/with\\040space\\134and\\012newline ro,relatime shared:1 master:2 - fuse.shoal shoal:0123456789abcdef ro,user_id=0
91 90 0:46 / /mnt/with\\040space\\134and\\012newline rw - overlay shoal:0123456789abcdef rw,lowerdir=lower
92 28 0:47 /sub - broken
93 28 0:48 / /mnt/none rw - tmpfs  rw
`;

test('reads devices, mountpoints with odd characters, types and sources, whatever optional fields there are', () => {
  const mountpoint = '/mnt/with space\\and\nnewline';
  assert.deepEqual(parseMountTable(TABLE), [
    { device: '0:21', mountpoint: '/proc', fsType: 'proc', source: 'proc' },
    { device: '0:45', mountpoint, fsType: 'fuse.shoal', source: 'shoal:0123456789abcdef' },
    { device: '0:46', mountpoint, fsType: 'overlay', source: 'shoal:0123456789abcdef' },
    { device: '0:48', mountpoint: '/mnt/none', fsType: 'tmpfs', source: '' },
  ]);
});

test('reads what mount(8) of macOS prints', () => {
  const text = `/dev/disk1s1 on / (apfs, local, read-only, journaled)
shoal:0123456789abcdef on /Users/me/my app (1) (osxfuse_shoal, nodev, nosuid, read-only, mounted by me)
`;
  assert.deepEqual(parseMountOutput(text), [
    { device: '', mountpoint: '/', fsType: 'apfs', source: '/dev/disk1s1' },
    { device: '', mountpoint: '/Users/me/my app (1)', fsType: 'osxfuse_shoal', source: 'shoal:0123456789abcdef' },
  ]);
});

test('the last mount at a place is the one that is seen', () => {
  const table = parseMountTable(TABLE);
  assert.equal(topMount(table, '/mnt/with space\\and\nnewline')?.fsType, 'overlay');
  assert.equal(topMount(table, '/nothing'), undefined);
});
