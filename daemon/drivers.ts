// The drivers: which of them work here, why not, and what each can't do. One place, for the daemon, for `doctor`, and for
// docs/drivers.md (a test compares it).

import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { DRIVER_NAMES, type DriverName, errnoOf, messageOf } from '../core/index.ts';
import { packageProblem } from './fuse-native/binding.ts';

/** What programs on a mount notice, against the same image unpacked by root. */
export const DRIVER_LIMITS: Readonly<Record<DriverName, readonly string[]>> = {
  fuse: [],
  'fuse-native': [
    'times are cut to milliseconds, and times before 1970 are shown as 1970-01-01',
    'names that are not UTF-8 are left out (the log says where); symbolic links to such names give EILSEQ',
    'hard links are shown (same inode number and link count), but each name has a page cache of its own',
    'paths longer than 4095 bytes and mountpoints longer than 1023 bytes are refused',
    'nothing may be mounted at the mountpoint already',
    'an O_DIRECT read that waits for a chunk cannot be killed; `shoal umount --force` frees it',
    'libfuse keeps a kilobyte of each thread it ever started; after very many bursts of parallel requests (50 000 threads: 1 ms a request, the log warns) mount anew',
    'without root: only the user who mounted gets in (not even root), and reads every file whatever its permissions',
    'without root: setuid programs, file capabilities and device nodes are shown, but have no effect',
    'without root: no writable layer (`mount --rw`, `run`)',
    'only where the npm package fuse-native has a binary: Linux and macOS on x86-64; macOS is not tested',
  ],
  erofs: [
    'O_DIRECT is refused from files (EINVAL)',
    'over loop devices: with 128 reads of one image waiting, others of it wait, too; udev reads a few blocks of it; an unmount by others waits for what is read ahead',
    'extended attributes `trusted.overlay.*` that an image may have are shown; such an image gets no writable layer (`mount --rw`, `run`)',
  ],
};

/** What a problem of erofs begins with that is the kernel's. */
export const SELF_TEST_FAILED = 'the kernel fails the self-test';

export interface DriverCheck {
  readonly driver: DriverName;
  /** Why it does not work here and what to do about it; undefined when it works. */
  readonly problem?: string | undefined;
  /** `system`: rights or devices are missing. `unsupported`: there is nothing for this platform or installation. */
  readonly code?: 'system' | 'unsupported' | undefined;
}

/** What a driver needs is there, or the reason why not. Touches no mount; starts at most `fusermount --version`. */
export async function checkDriver(driver: DriverName): Promise<DriverCheck> {
  const problem = await PROBLEMS[driver]();
  return { driver, ...problem };
}

export function checkDrivers(): Promise<readonly DriverCheck[]> {
  return Promise.all(DRIVER_NAMES.map(checkDriver));
}

/** Whether this process may mount by itself. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

export function userId(): number {
  return process.geteuid?.() ?? -1;
}

/** Drivers with the same problem are named together. */
export function listProblems(checks: readonly DriverCheck[]): string {
  const byProblem = Map.groupBy(checks, ({ problem }) => problem);
  return [...byProblem].map(([problem, of]) => `${of.map(({ driver }) => driver).join(', ')}: ${problem}`).join('; ');
}

type Problem = Omit<DriverCheck, 'driver'>;

async function fuseProblem(): Promise<Problem> {
  if (process.platform !== 'linux') return { code: 'unsupported', problem: `not on ${process.platform}` };
  if (!isRoot()) return { code: 'system', problem: `needs root, this is user ${userId()}` };
  return deviceProblem();
}

/** The kernel's first whose EROFS knows devices and chunks. Whether it was built with it, and over what, a mount says. */
const EROFS_KERNEL = [5, 16] as const;

async function erofsProblem(): Promise<Problem> {
  const fuse = await fuseProblem();
  if (fuse.problem !== undefined) return fuse;
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(release()) ?? [];
  const [neededMajor, neededMinor] = EROFS_KERNEL;
  if (Number(major) > neededMajor || (Number(major) === neededMajor && Number(minor) >= neededMinor)) return {};
  return {
    code: 'unsupported',
    problem: `needs Linux ${EROFS_KERNEL.join('.')} (EROFS with devices), this is ${release()}`,
  };
}

async function nativeProblem(): Promise<Problem> {
  const missing = packageProblem();
  if (missing !== undefined) return { code: 'unsupported', problem: missing };
  if (process.platform === 'darwin') return extensionProblem();
  const device = await deviceProblem();
  return device.problem !== undefined || isRoot() ? device : fusermountProblem();
}

const PROBLEMS: Readonly<Record<DriverName, () => Promise<Problem>>> = {
  fuse: fuseProblem,
  'fuse-native': nativeProblem,
  erofs: erofsProblem,
};

const DEVICE = '/dev/fuse';

async function deviceProblem(): Promise<Problem> {
  try {
    await (await open(DEVICE, constants.O_RDWR)).close();
    return {};
  } catch (error) {
    const hint = new Map([
      ['ENOENT', `${DEVICE} does not exist; load the kernel module: modprobe fuse`],
      ['ENODEV', `${DEVICE} is there, but not its driver; load the kernel module: modprobe fuse`],
      ['EACCES', `user ${userId()} may not open ${DEVICE}; give it mode 0666, as udev does`],
    ]).get(errnoOf(error) ?? '');
    return { code: 'system', problem: hint ?? `open ${DEVICE}: ${messageOf(error)}` };
  }
}

/** Started, not looked for: where programs lie is not this folder's to know. */
async function fusermountProblem(): Promise<Problem> {
  try {
    await promisify(execFile)('fusermount', ['--version'], { timeout: FUSERMOUNT_MS });
    return {};
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT';
    return {
      code: 'system',
      problem: isMissing ? 'fusermount is not installed (Debian package fuse3)' : `fusermount: ${messageOf(error)}`,
    };
  }
}

/** It prints a line. */
const FUSERMOUNT_MS = 5_000;

/** Where the kernel extension of FUSE for macOS lies. */
const EXTENSIONS = ['/Library/Filesystems/macfuse.fs', '/Library/Filesystems/osxfuse.fs'];

function extensionProblem(): Problem {
  if (EXTENSIONS.some(path => existsSync(path))) return {};
  return { code: 'system', problem: `no FUSE kernel extension (${EXTENSIONS.join(' or ')})` };
}
