// The two mounts of the erofs driver. First the FUSE connection by which the daemon exports an image's devices: it is put
// nowhere, so that nobody but the kernel's EROFS ever meets it (design §6 rule 6: `df` would hang while the daemon is
// down). Then, when the daemon serves it, the bootstrap as EROFS over these devices. EROFS keeps their files open, and
// with them the connection, which so ends with the mount. Runs only in the helper process.

import { closeSync } from 'node:fs';
import { ShoalError } from '../../core/index.ts';
import { MAX_READ_BYTES } from '../fuse/device.ts';
import type { ErofsDevice, HelperRequest } from './helper-protocol.ts';
import { deviceOfMount, MountFlag, moveMount, newMount } from './new-mount.ts';

/** st_mode of a directory that nobody lists. */
const ROOT_MODE = 0o40500;

/** The detached mount, between the two steps. */
let exported: number | undefined;

/** Mounts the connection of `fuseFd`; returns its device. Waits for nobody. */
export function mountDevices(fuseFd: number): string {
  const { READ_ONLY, NO_SUID, NO_DEV, NO_EXEC } = MountFlag;
  const options = {
    source: 'shoal',
    fd: `${fuseFd}`,
    rootmode: ROOT_MODE.toString(8),
    user_id: '0',
    group_id: '0',
    max_read: `${MAX_READ_BYTES}`,
  };
  exported = newMount(
    'fuse',
    [...Object.entries(options), ['default_permissions', true]],
    READ_ONLY | NO_SUID | NO_DEV | NO_EXEC,
  );
  return deviceOfMount(exported);
}

/**
 * Mounts the bootstrap over the devices, if it has any; the daemon must be serving them by now. The kernel opens the source by its
 * path and shows it as the mount's source: the file has the name by which our mounts are known, and the path is relative.
 */
export function mountErofs({
  directory,
  source,
  mountpoint,
  devices,
}: Extract<HelperRequest, { op: 'mount-erofs' }>): void {
  process.chdir(directory);
  try {
    const files = devices.map(device => ['device', pathOf(device)] as const);
    const tree = newMount('erofs', [['source', source], ['ro', true], ...files], MountFlag.READ_ONLY);
    try {
      moveMount(tree, mountpoint);
    } finally {
      closeSync(tree);
    }
  } finally {
    if (exported !== undefined) closeSync(exported);
    exported = undefined;
  }
}

function pathOf(device: ErofsDevice): string {
  if ('path' in device) return device.path;
  if (exported === undefined) throw new ShoalError('internal', 'mount helper: mount-erofs before mount-devices');
  return `/proc/self/fd/${exported}/${device.export}`;
}
