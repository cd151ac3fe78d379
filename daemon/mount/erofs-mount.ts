// The two mounts of the erofs driver. First the FUSE connection by which the daemon exports an image's devices: it is put
// nowhere, so that nobody but the kernel's EROFS ever meets it (design §6 rule 6: `df` would hang while the daemon is
// down). Then, when the daemon serves it, the bootstrap as EROFS over these devices, or over loop devices in between.
// EROFS keeps their files open, and with them the connection, which so ends with the mount. Runs only in the helper process.

import { closeSync, mkdirSync, openSync, readSync, symlinkSync } from 'node:fs';
import { errnoOf, ShoalError } from '../../core/index.ts';
import { MAX_READ_BYTES } from '../fuse/device.ts';
import { type ErofsDevice, type HelperAnswer, type HelperRequest, LOOP_DIRECTORY } from './helper-protocol.ts';
import { attachLoop } from './loop-devices.ts';
import { deviceOfMount, MountFlag, moveMount, newMount } from './new-mount.ts';
import { setReadahead, withReadahead } from './readahead.ts';

type Order<Op extends HelperRequest['op']> = Extract<HelperRequest, { op: Op }>;

/** st_mode of a directory that nobody lists. */
const ROOT_MODE = 0o40500;

/** The detached mount, between the two steps. */
let exported: number | undefined;
/** An EROFS that was mounted nowhere. */
let unplaced: number | undefined;

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
 * Mounts the bootstrap over the devices, if it has any; the daemon must be serving those that it exports by now. The kernel
 * opens the source by its path and shows it as the mount's source: the file, or what leads to its loop device, has the name
 * by which our mounts are known, and the path is relative. Returns the device.
 */
export function mountErofs(request: Order<'mount-erofs'>): string {
  const { directory, source, mountpoint, loop, readaheadBytes } = request;
  process.chdir(directory);
  try {
    using _ = loop && attachSource(pathOf(loop), source);
    const devices = request.devices.map(device => ['device', pathOf(device)] as const);
    const options = [['source', source], ['ro', true], ...devices] as const;
    const tree = withReadahead(readaheadBytes, () => newMount('erofs', options, MountFlag.READ_ONLY));
    if (loop) setReadahead(deviceOfMount(tree), readaheadBytes); // the loop device's
    if (mountpoint === undefined) {
      unplaced = tree;
      return deviceOfMount(tree);
    }
    try {
      moveMount(tree, mountpoint);
      return deviceOfMount(tree);
    } finally {
      closeSync(tree);
    }
  } finally {
    if (exported !== undefined) closeSync(exported);
    exported = undefined;
  }
}

/** Reads from the connection, or from the EROFS that was mounted nowhere. */
export function readFile({ of, path, ranges }: Order<'read-file'>): HelperAnswer {
  const mount = of === 'devices' ? exported : unplaced;
  if (mount === undefined) throw new ShoalError('internal', `mount helper: read-file of ${of} that are not mounted`);
  const fd = openSync(`/proc/self/fd/${mount}/${path}`, 'r');
  try {
    return { reads: ranges.map(({ offset, length }) => readRange(fd, offset, length)) };
  } finally {
    closeSync(fd);
  }
}

function readRange(fd: number, offset: number, length: number): { bytes: string } | { errno: string } {
  const bytes = Buffer.alloc(length);
  try {
    return { bytes: bytes.toString('base64', 0, readSync(fd, bytes, 0, length, offset)) };
  } catch (error) {
    return { errno: errnoOf(error) ?? 'unknown' };
  }
}

function pathOf(device: ErofsDevice): string {
  if ('path' in device) return device.path;
  if (exported === undefined) throw new ShoalError('internal', 'mount helper: mount-erofs before mount-devices');
  return `/proc/self/fd/${exported}/${device.export}`;
}

/** Makes a file a block device that is found by the name of `source` in the working directory, which is another one then. */
function attachSource(file: string, source: string): Disposable {
  const loop = attachLoop(file, source);
  mkdirSync(LOOP_DIRECTORY, { mode: 0o700 });
  process.chdir(LOOP_DIRECTORY);
  symlinkSync(loop.path, source);
  return loop;
}
