// Everything that touches mounts. Runs only in the helper process: a thread that waits on its own mount outlives
// SIGKILL, keeps every lock and hangs sync(2) for the whole machine (design §6 rule 1).

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  opendirSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { fromSystemError, messageOf, ShoalError } from '../../core/index.ts';
import { MAX_READ_BYTES } from '../fuse/device.ts';
import { endedConnections } from '../holder/unix-socket.ts';
import { MNT_DETACH, MS_RDONLY, mount, UMOUNT_NOFOLLOW, unmount } from '../system-calls.ts';
import { mountDevices, mountErofs, readFile } from './erofs-mount.ts';
import type { HelperAnswer, HelperRequest } from './helper-protocol.ts';
import { detachLoops } from './loop-devices.ts';
import { type MountEntry, parseMountOutput, parseMountTable, topMount } from './mount-table.ts';
import { setReadahead } from './readahead.ts';

const FUSECTL = '/sys/fs/fuse/connections';
/** The daemon hands its open /dev/fuse over as this descriptor. */
const FUSE_FD = 3;
const FUSE_TYPE = 'fuse.shoal';

export function perform(request: HelperRequest): HelperAnswer {
  switch (request.op) {
    case 'inspect':
      return inspect(request.path);
    case 'find':
      return { mounted: readTable().filter(({ source }) => request.sources.includes(source)) };
    case 'mount-fuse': {
      const answer = mountFuse(request);
      closeSync(FUSE_FD); // as below
      return answer;
    }
    case 'mount-devices': {
      const device = mountDevices(FUSE_FD);
      // What is mounted next is read from there: if the daemon dies meanwhile the connection must end, and this process with
      // it, which could not while it kept the connection alive itself.
      closeSync(FUSE_FD);
      // Before INIT is answered, which can only lower it.
      setReadahead(device, request.readaheadBytes);
      return { device };
    }
    case 'mount-erofs':
      return { device: mountErofs(request) };
    case 'read-file':
      return readFile(request);
    case 'mount-overlay':
      return mountOverlay(request);
    case 'unmount':
      for (const mountpoint of request.mountpoints) unmountOurs(mountpoint, request.source, request.detach);
      return {};
    case 'clean':
      return clean(request.sources);
    case 'abort':
      abortOurs(request.device);
      return {};
    case 'free-unmount':
      freeUnmount(request);
      return {};
  }
}

function inspect(path: string): HelperAnswer {
  try {
    const canonical = realpathSync(path);
    if (statSync(canonical).isDirectory()) return { canonical, isEmpty: isEmpty(canonical) };
  } catch (error) {
    throw fromSystemError(error, `mountpoint ${path}`);
  }
  throw new ShoalError('not-found', `mountpoint ${path}: not a directory`);
}

function isEmpty(directory: string): boolean {
  const handle = opendirSync(directory);
  try {
    return handle.readSync() === null;
  } finally {
    handle.closeSync();
  }
}

/**
 * suid and dev are allowed on purpose: setuid programs, file capabilities and device nodes of an image must work in a
 * container (rule 11). Only root gets here.
 */
function mountFuse(request: Extract<HelperRequest, { op: 'mount-fuse' }>): HelperAnswer {
  const { mountpoint, source, rootMode } = request;
  // INIT limits reads in pages, which are larger on some machines; this does it in bytes.
  const data =
    `fd=${FUSE_FD},rootmode=${rootMode.toString(8)},user_id=0,group_id=0,allow_other,default_permissions,` +
    `max_read=${MAX_READ_BYTES}`;
  refuse(mount(source, mountpoint, FUSE_TYPE, { flags: MS_RDONLY, data }), `mount ${mountpoint} (fuse)`);
  const device = deviceOf(source, mountpoint);
  // Before INIT is answered, which can only lower it.
  setReadahead(device, request.readaheadBytes);
  return { device };
}

/**
 * Paths are relative to the working directory: options have no room for long paths, and commas and colons mean things
 * there. Redirects and metacopy are only ever meaningful in layers that we made; an image must not bring them.
 */
function mountOverlay(request: Extract<HelperRequest, { op: 'mount-overlay' }>): HelperAnswer {
  const { directory, mountpoint, source } = request;
  process.chdir(directory);
  const data = 'lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=nofollow,metacopy=off,index=off';
  refuse(mount(source, mountpoint, 'overlay', { flags: 0, data }), `mount ${mountpoint} (overlay on ${directory})`);
  return { device: deviceOf(source, mountpoint) };
}

function unmountOurs(mountpoint: string, source: string, detach: boolean): void {
  const table = readTable();
  if (!table.some(entry => entry.mountpoint === mountpoint && entry.source === source)) return; // somebody did it
  const top = topMount(table, mountpoint);
  if (top?.source !== source) {
    throw new ShoalError('busy', `${mountpoint}: covered by another mount (${top?.fsType} ${top?.source})`);
  }
  if (process.geteuid?.() !== 0) {
    unmountAsUser(mountpoint, source, detach);
    return;
  }
  const errno = unmount(mountpoint, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0));
  if (errno === 'EINVAL') return; // not a mountpoint any more: somebody was faster
  if (errno === 'EBUSY') throw new ShoalError('busy', `${mountpoint}: something still uses it`);
  refuse(errno, `unmount ${mountpoint}`);
}

/** Users unmount what fusermount mounted for them by fusermount, which says only in words what went wrong. On macOS
 * umount(8) does it. */
function unmountAsUser(mountpoint: string, source: string, detach: boolean): void {
  const [program, ...options] =
    process.platform === 'darwin' ? ['/sbin/umount', detach ? '-f' : ''] : ['fusermount', '-u', detach ? '-z' : ''];
  const args = [...options.filter(option => option !== ''), '--', mountpoint];
  const { status, stderr, error } = spawnSync(program ?? '', args, { encoding: 'utf8' });
  if (status === 0) return;
  if (topMount(readTable(), mountpoint)?.source !== source) return; // somebody was faster
  if (/busy/i.test(stderr ?? '')) throw new ShoalError('busy', `${mountpoint}: something still uses it`);
  throw new ShoalError(
    'system',
    `unmount ${mountpoint}: ${(stderr || error?.message || `exit code ${status}`).trim()}`,
  );
}

/** What stands in the way of one source must not keep the others. */
function clean(sources: readonly string[]): HelperAnswer {
  const cleaned: string[] = [];
  const stuck: string[] = [];
  for (const source of sources) {
    try {
      cleaned.push(...cleanSource(source));
    } catch (error) {
      stuck.push(source);
      cleaned.push(messageOf(error));
    }
  }
  return { cleaned, stuck };
}

/** Newest first, so that an overlay goes before what lies under it. Returns what was found. */
function cleanSource(source: string): string[] {
  const ours = readTable()
    .filter(entry => entry.source === source)
    .reverse();
  for (const { fsType, device } of ours) if (fsType === FUSE_TYPE) tryToAbort(device);
  for (const { mountpoint } of ours) unmountOurs(mountpoint, source, true);
  return [...ours.map(entry => `${entry.fsType} ${entry.mountpoint}`), ...detachLoops(source)];
}

/** Where there is no fusectl to be had, what is detached ends with its last user or its server. */
function tryToAbort(device: string): void {
  try {
    abortConnection(device);
  } catch {
    // as said above
  }
}

/** A connection that is gone already is as good as aborted. */
function abortConnection(device: string): void {
  if (process.geteuid?.() !== 0) {
    abortAsUser(device);
    return;
  }
  mountFusectl();
  const path = abortFile(device);
  if (existsSync(path)) writeFileSync(path, '1');
}

function mountFusectl(): void {
  if (readTable().some(entry => entry.fsType === 'fusectl')) return;
  refuse(mount('fusectl', FUSECTL, 'fusectl', { flags: 0, data: '' }), `mount ${FUSECTL}`);
}

/**
 * Of descriptor 3. A number is given to another connection as soon as this one has ended: so the file is opened, which stays
 * that of the connection it was opened for, and then looked whether ours has not ended.
 */
function abortOurs(device: string): void {
  if (process.geteuid?.() === 0) mountFusectl();
  const path = abortFile(device);
  if (!existsSync(path)) return;
  const fd = openSync(path, 'w');
  try {
    if (!endedConnections([FUSE_FD]).has(FUSE_FD)) writeSync(fd, '1');
  } finally {
    closeSync(fd);
  }
}

/**
 * The number of a connection that has ended may be another's soon. A file in fusectl stays that of the one for which it was
 * opened; and if the unmount waits after that, the connection is still the one that it waits for.
 */
function freeUnmount({ device, source, pid }: Extract<HelperRequest, { op: 'free-unmount' }>): void {
  mountFusectl();
  const path = abortFile(device);
  if (!existsSync(path)) return;
  const fd = openSync(path, 'w');
  try {
    const isGone = !readTable().some(entry => entry.source === source);
    if (isGone && isUnmounting(pid)) writeSync(fd, '1');
  } finally {
    closeSync(fd);
  }
}

/** umount2(2) on x86-64; elsewhere it has the number of the common table. */
const UMOUNT2 = process.arch === 'x64' ? 166 : 39;

function isUnmounting(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/syscall`, 'latin1').startsWith(`${UMOUNT2} `);
  } catch {
    return false;
  }
}

/** The file belongs to the user who mounted, where fusectl is mounted. Without it, the end of the server has to do. */
function abortAsUser(device: string): void {
  try {
    writeFileSync(abortFile(device), '1');
  } catch {
    // gone, or not to be had
  }
}

function abortFile(device: string): string {
  return `${FUSECTL}/${device.slice(device.indexOf(':') + 1)}/abort`;
}

function deviceOf(source: string, mountpoint: string): string {
  const entry = readTable().findLast(found => found.source === source && found.mountpoint === mountpoint);
  if (entry !== undefined) return entry.device;
  unmount(mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH);
  throw new ShoalError('system', `${mountpoint}: mounted, but not in the mount table`);
}

function readTable(): MountEntry[] {
  if (process.platform !== 'linux') return parseMountOutput(execFileSync('/sbin/mount', { encoding: 'utf8' }));
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

function refuse(errno: string | undefined, doing: string): void {
  if (errno === undefined) return;
  const error = Object.assign(new Error(errno), { code: errno });
  throw errno === 'ENOTDIR' ? new ShoalError('not-found', `${doing}: ${errno}`) : fromSystemError(error, doing);
}
