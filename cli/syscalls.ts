// The few system calls that Node has no function for, by koffi. Paths and names are raw bytes (without NUL).
// These block the calling thread: used by commands that own their process (unpack, the container's init), never by the
// daemon.

import koffi from 'koffi';
import { ShoalError } from '../core/index.ts';

const libc = koffi.load(null);
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

const calls = {
  mknod: libc.func('int mknod(const void *path, unsigned int mode, uint64_t dev)'),
  utimensat: libc.func('int utimensat(int dirfd, const void *path, const int64_t *times, int flags)'),
  lsetxattr: libc.func('int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)'),
  mount: libc.func(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  ),
  umount2: libc.func('int umount2(const char *target, int flags)'),
  pivotRoot: libc.func('long syscall(long number, const char *newRoot, const char *putOld)'),
  sethostname: libc.func('int sethostname(const char *name, size_t length)'),
  setgroups: libc.func('int setgroups(size_t count, const uint32_t *groups)'),
  setgid: libc.func('int setgid(unsigned int gid)'),
  setuid: libc.func('int setuid(unsigned int uid)'),
  prctl: libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
  fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
  signal: libc.func('intptr_t signal(int number, intptr_t handler)'),
  execve: libc.func('int execve(const char *path, const char **argv, const char **envp)'),
};

const SYS_PIVOT_ROOT: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 155, arm64: 41 };

const errnoNames = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));

function checked(result: unknown, call: string, subject: string): void {
  if (Number(result) >= 0) return;
  const errno = koffi.errno();
  const name = errnoNames.get(errno) ?? `errno ${errno}`;
  const code = name === 'ENOSPC' || name === 'EDQUOT' ? 'no-space' : name === 'ENOENT' ? 'not-found' : 'system';
  throw new ShoalError(code, `${call} ${subject}: ${name}`);
}

function cString(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.of(0)]);
}

function shown(path: Uint8Array): string {
  return Buffer.from(path).toString('utf8');
}

/** mode is a full st_mode with the type; rdev in the kernel's encoding, which glibc's dev_t extends compatibly. */
export function mknod(path: Uint8Array, mode: number, rdev: number): void {
  checked(calls.mknod(cString(path), mode, rdev), 'mknod', shown(path));
}

/** Sets access and modification time of the path itself (not of a link's target) to nanosecond precision. */
export function setModificationTime(path: Uint8Array, seconds: number, nanoseconds: number): void {
  const [s, n] = [BigInt(seconds), BigInt(nanoseconds)];
  checked(
    calls.utimensat(AT_FDCWD, cString(path), BigInt64Array.of(s, n, s, n), AT_SYMLINK_NOFOLLOW),
    'utimensat',
    shown(path),
  );
}

/** `name` is a byte string (each character one byte). */
export function setXattr(path: Uint8Array, name: string, value: Uint8Array): void {
  checked(
    calls.lsetxattr(cString(path), cString(Buffer.from(name, 'latin1')), value, value.length, 0),
    `lsetxattr ${name}`,
    shown(path),
  );
}

export const MS = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  bind: 4096,
  rec: 16384,
  private: 1 << 18,
} as const;
export const MNT_DETACH = 2;

export function mount(source: string, target: string, type: string | null, flags: number, data: string | null): void {
  checked(calls.mount(source, target, type, flags, data), 'mount', target);
}

export function umount(target: string, flags: number): void {
  checked(calls.umount2(target, flags), 'umount', target);
}

export function pivotRoot(newRoot: string, putOld: string): void {
  const number = SYS_PIVOT_ROOT[process.arch];
  if (number === undefined) throw new ShoalError('unsupported', `pivot_root: not known on ${process.arch}`);
  checked(calls.pivotRoot(number, newRoot, putOld), 'pivot_root', newRoot);
}

export function setHostname(name: string): void {
  checked(calls.sethostname(name, Buffer.byteLength(name)), 'sethostname', name);
}

/** Becomes this user for good. Only the calling thread by the kernel's rules; call right before `execve`. */
export function becomeUser(uid: number, gid: number, groups: readonly number[]): void {
  checked(calls.setgroups(groups.length, Uint32Array.from(groups)), 'setgroups', groups.join(','));
  checked(calls.setgid(gid), 'setgid', String(gid));
  checked(calls.setuid(uid), 'setuid', String(uid));
}

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
/** Numbers beyond the running kernel's last capability answer EINVAL; no kernel has more than this. */
const CAPABILITY_LIMIT = 64;

/** Drops every capability outside `keep` from the bounding set: no exec from here on can gain it, not even root's. */
export function limitCapabilities(keep: readonly number[]): void {
  for (let number = 0; number < CAPABILITY_LIMIT; number++) {
    if (keep.includes(number) || Number(calls.prctl(PR_CAPBSET_READ, number, 0, 0, 0)) !== 1) continue;
    checked(calls.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), 'prctl', `PR_CAPBSET_DROP ${number}`);
  }
}

const F_SETFD = 2;
const STANDARD_STREAMS = [0, 1, 2];
const SIGPIPE = 13;
const SIG_DFL = 0;

/** Replaces this process. Returns only by throwing. */
export function execve(path: string, argv: readonly string[], env: readonly string[]): never {
  // Node closes its standard streams on exec (it gives children copies of them instead).
  for (const fd of STANDARD_STREAMS) checked(calls.fcntl(fd, F_SETFD, 0), 'fcntl', `${fd}`);
  calls.signal(SIGPIPE, SIG_DFL); // Node ignores it, and what is ignored stays ignored across execve
  checked(calls.execve(path, [...argv, null], [...env, null]), 'execve', path);
  throw new ShoalError('internal', `execve ${path} returned`);
}
