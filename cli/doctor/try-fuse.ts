// A short-lived process of doctor: mounts a FUSE connection on a directory, as the daemon does, and removes it. Nobody
// answers on it, so it must be gone again before anybody looks.

import { closeSync, openSync } from 'node:fs';
import { messageOf } from '../../core/index.ts';
import { MNT_DETACH, MS, mount, umount } from '../syscalls.ts';

const [directory = ''] = process.argv.slice(2);
try {
  const fd = openSync('/dev/fuse', 'r+');
  const data = `fd=${fd},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`;
  mount('shoal:doctor', directory, 'fuse.shoal', MS.rdonly, data);
  umount(directory, MNT_DETACH);
  closeSync(fd);
} catch (error) {
  process.stderr.write(`shoal: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
