// Loop devices (loop(4)): files as block devices, for kernels on which EROFS reads from nothing else, or not safely. Each
// bears the name of the mount that it is for, and goes with its last user: whatever dies in between, nothing stays. They
// read from who serves their file: only for the helper process (design §6 rule 1).

import { closeSync, openSync, readdirSync } from 'node:fs';
import koffi from 'koffi';
import { errnoOf, fromSystemError, messageOf, ShoalError } from '../../core/index.ts';
import { lastErrno } from '../system-calls.ts';

const libc = koffi.load(null);
const calls = {
  ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
  ioctlNumber: libc.func('int ioctl(int fd, unsigned long request, long argument)'),
  mknod: libc.func(
    'long syscall(long number, long directory, const char *path, unsigned long mode, unsigned long device)',
  ),
};

/** mknodat(2). */
const MKNODAT = process.arch === 'arm64' ? 33 : 259;
const AT_FDCWD = -100;
const BLOCK_DEVICE = 0o60600;
const LOOP_MAJOR = 7;

/** include/uapi/linux/loop.h */
const LOOP_CLR_FD = 0x4c01;
const LOOP_GET_STATUS64 = 0x4c05;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const READ_ONLY = 1;
const AUTOCLEAR = 4;
const DIRECT_IO = 16;

/** struct loop_info64: 232 bytes. */
const Info = { BYTES: 232, FLAGS: 52, NAME: 56, NAME_BYTES: 64 } as const;
/** struct loop_config: descriptor, block size, a loop_info64, and 64 bytes for later. */
const Config = { BYTES: 304, FD: 0, INFO: 8 } as const;

/** Between "which one is free" and taking it somebody else may be faster. */
const MAX_TRIES = 100;

/** A loop device, held open: it goes when this and whatever the kernel makes of it are closed. */
export interface LoopDevice extends Disposable {
  readonly path: string;
}

/**
 * Makes a file a read-only block device. `name`: of the mount, at most 63 bytes. Throws `unsupported` where there are no loop
 * devices to be had, and `system`.
 */
export function attachLoop(file: string, name: string): LoopDevice {
  const backing = openOr(file, `open ${file}`);
  try {
    for (let left = MAX_TRIES; left > 0; left--) {
      const number = freeNumber();
      const fd = openNode(number);
      if (configure(fd, backing, name)) {
        return { path: nodeOf(number), [Symbol.dispose]: () => closeSync(fd) };
      }
      closeSync(fd);
    }
  } finally {
    closeSync(backing);
  }
  throw new ShoalError('system', `loop device for ${file}: others took every one of ${MAX_TRIES} that were free`);
}

/** Frees all loop devices of this name, or lets them go with their last user. Returns their paths. */
export function detachLoops(name: string): string[] {
  return boundNumbers().flatMap(number => {
    let fd: number;
    try {
      fd = openSync(nodeOf(number), 'r');
    } catch {
      return []; // none of ours: we had a node
    }
    try {
      if (nameOf(fd) !== name) return [];
      if (Number(calls.ioctlNumber(fd, LOOP_CLR_FD, 0)) !== 0 && lastErrno() !== 'ENXIO') return [];
      return [nodeOf(number)];
    } finally {
      closeSync(fd);
    }
  });
}

function nodeOf(number: number): string {
  return `/dev/loop${number}`;
}

/** Of those that have a file. */
function boundNumbers(): number[] {
  const names = readdirSync('/sys/block', { encoding: 'utf8' });
  return names.flatMap(name => {
    const [, number] = /^loop(\d+)$/.exec(name) ?? [];
    return number === undefined || !isBound(name) ? [] : [Number(number)];
  });
}

function isBound(name: string): boolean {
  try {
    return readdirSync(`/sys/block/${name}/loop`).length > 0;
  } catch {
    return false;
  }
}

function nameOf(fd: number): string | undefined {
  const info = Buffer.alloc(Info.BYTES);
  if (Number(calls.ioctl(fd, LOOP_GET_STATUS64, info)) !== 0) return undefined;
  const name = info.subarray(Info.NAME, Info.NAME + Info.NAME_BYTES);
  return name.toString('latin1', 0, name.indexOf(0));
}

/** False: somebody else took it. */
function configure(fd: number, backing: number, name: string): boolean {
  const config = Buffer.alloc(Config.BYTES);
  config.writeUInt32LE(backing, Config.FD);
  config.writeUInt32LE(READ_ONLY | AUTOCLEAR | DIRECT_IO, Config.INFO + Info.FLAGS);
  config.write(name, Config.INFO + Info.NAME, Info.NAME_BYTES - 1, 'latin1');
  if (Number(calls.ioctl(fd, LOOP_CONFIGURE, config)) === 0) return true;
  const errno = lastErrno();
  if (errno === 'EBUSY') return false;
  if (errno === 'EINVAL' || errno === 'ENOTTY') {
    throw new ShoalError('unsupported', `loop device: ${errno}; the kernel needs LOOP_CONFIGURE (Linux 5.8)`);
  }
  throw new ShoalError('system', `loop device: ${errno}`);
}

/** The kernel makes another one when all are taken. */
function freeNumber(): number {
  const control = openOr('/dev/loop-control', 'loop devices: open /dev/loop-control', 'modprobe loop');
  try {
    const number = Number(calls.ioctlNumber(control, LOOP_CTL_GET_FREE, 0));
    if (number >= 0) return number;
    throw new ShoalError('system', `no loop device is free: ${lastErrno()} (parameter max_loop of the module loop)`);
  } finally {
    closeSync(control);
  }
}

/** In a container there may be no udev that makes nodes. */
function openNode(number: number): number {
  const path = nodeOf(number);
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw noDevice(path, error);
  }
  const result = calls.mknod(MKNODAT, AT_FDCWD, path, BLOCK_DEVICE, makeDevice(LOOP_MAJOR, number));
  const errno = Number(result) === 0 ? undefined : lastErrno();
  if (errno !== undefined && errno !== 'EEXIST') {
    throw new ShoalError('system', `${path} does not exist and cannot be made (mknod: ${errno})`);
  }
  return openOr(path, `open ${path}`);
}

/** The kernel's encoding of a device's two numbers. */
function makeDevice(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12);
}

function openOr(path: string, doing: string, todo?: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || todo === undefined) throw noDevice(path, error, doing);
    throw new ShoalError('unsupported', `${doing}: there is none; load the kernel module: ${todo}`);
  }
}

function noDevice(path: string, error: unknown, doing = `open ${path}`): ShoalError {
  if (errnoOf(error) !== 'EPERM') return fromSystemError(error, doing);
  return new ShoalError('system', `${doing}: ${messageOf(error)}; the device cgroup of this container keeps it away`);
}
