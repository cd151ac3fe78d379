// The kernel's newer way to mount (Linux 5.2), by koffi: a file system is described option by option, made, and only then
// put somewhere, or nowhere. mount(2) has room for one page of options, some 40 devices of an image, and a mountpoint is
// what it wants first. The calls have the same numbers on all machines. They wait for who serves the file system: only for
// the helper process (design §6 rule 1).

import { closeSync, readSync } from 'node:fs';
import koffi from 'koffi';
import { ShoalError } from '../../core/index.ts';
import { lastErrno } from '../system-calls.ts';

const libc = koffi.load(null);
const TEXTS = 'long syscall(long number, long fd, long command, const char *key, const char *value, long aux)';

const calls = {
  open: libc.func('long syscall(long number, const char *type, long flags)'),
  text: libc.func(TEXTS),
  numbers: libc.func('long syscall(long number, long a, long b, long c, long d, long e)'),
  move: libc.func(
    'long syscall(long number, long from, const char *below, long to, const char *path, unsigned long flags)',
  ),
  statx: libc.func('long syscall(long number, long fd, const char *path, long flags, long mask, _Out_ uint32_t *into)'),
};

const MOVE_MOUNT = 429;
const FSOPEN = 430;
const FSCONFIG = 431;
const FSMOUNT = 432;
/** Older than the common numbers. */
const STATX = process.arch === 'arm64' ? 291 : 332;

const FSOPEN_CLOEXEC = 1;
const SET_FLAG = 0;
const SET_STRING = 1;
const CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;

/** struct statx is 256 bytes; the device's two numbers, in words. */
const STATX_WORDS = 64;
const STATX_DEVICE = 34;

/** Attributes of a mount, MOUNT_ATTR_* of include/uapi/linux/mount.h. */
export const MountFlag = { READ_ONLY: 1, NO_SUID: 2, NO_DEV: 4, NO_EXEC: 8 } as const;

/** Messages of the kernel are a line each; there are at most eight. */
const MAX_MESSAGE_BYTES = 4096;
const MAX_MESSAGES = 8;

/** What to set: a value, or `true` for an option without one. The same name may come again. */
export type MountOption = readonly [name: string, value: string | true];

/**
 * Makes a file system and a mount of it that is nowhere to be seen. Returns its descriptor, the caller's to close; the mount
 * lives until then, or as long as it is put somewhere or files of it are open. Throws `system` with the kernel's own words,
 * and `unsupported` when it does not know the type, or cannot have it over a plain file.
 */
export function newMount(type: string, options: readonly MountOption[], flags: number): number {
  const context = succeeded(calls.open(FSOPEN, type, FSOPEN_CLOEXEC), type);
  try {
    for (const [name, value] of options) {
      const result =
        value === true
          ? calls.text(FSCONFIG, context, SET_FLAG, name, null, 0)
          : calls.text(FSCONFIG, context, SET_STRING, name, value, 0);
      succeeded(result, `${type}: option ${name}`, context);
    }
    succeeded(calls.numbers(FSCONFIG, context, CREATE, 0, 0, 0), type, context);
    return succeeded(calls.numbers(FSMOUNT, context, FSMOUNT_CLOEXEC, flags, 0, 0), type, context);
  } finally {
    closeSync(context);
  }
}

/** Puts a mount that is nowhere to a directory, which covers what was there. Throws `not-found` and `system`. */
export function moveMount(fd: number, mountpoint: string): void {
  succeeded(calls.move(MOVE_MOUNT, fd, '', AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH), mountpoint);
}

/** The device of a mount's file system, `major:minor`, without asking whoever serves it. */
export function deviceOfMount(fd: number): string {
  const found = new Uint32Array(STATX_WORDS);
  succeeded(calls.statx(STATX, fd, '', AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, found), 'statx');
  return `${found[STATX_DEVICE]}:${found[STATX_DEVICE + 1]}`;
}

const CODES = new Map([
  ['ENODEV', 'unsupported'],
  ['ENOSYS', 'unsupported'],
  ['ENOTBLK', 'unsupported'],
  ['ENOTDIR', 'not-found'],
  ['ENOENT', 'not-found'],
] as const);

const HINTS = new Map([
  ['ENODEV', 'the kernel does not have this type'],
  ['ENOTBLK', 'the kernel cannot mount this type from a plain file (CONFIG_EROFS_FS_BACKED_BY_FILE)'],
]);

function succeeded(result: unknown, doing: string, context?: number): number {
  const value = Number(result);
  if (value >= 0) return value;
  const errno = lastErrno();
  const hint = HINTS.get(errno);
  const said = [...(hint === undefined ? [] : [hint]), ...(context === undefined ? [] : messagesOf(context))];
  const code = new Map<string, 'unsupported' | 'not-found'>(CODES).get(errno) ?? 'system';
  throw new ShoalError(code, `mount ${doing}: ${[errno, ...said].join('; ')}`);
}

/** What the kernel has to say about a failure: each read gives a message, and an error when there is none. */
function messagesOf(context: number): readonly string[] {
  const messages: string[] = [];
  const buffer = Buffer.alloc(MAX_MESSAGE_BYTES);
  try {
    for (let length = 1; length > 0 && messages.length < MAX_MESSAGES; ) {
      length = readSync(context, buffer);
      messages.push(buffer.toString('utf8', 0, length).trim());
    }
  } catch {
    // no more of them
  }
  return messages;
}
