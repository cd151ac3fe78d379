// The fence around the npm package fuse-native (2.2.6, resting since 2020) and the libfuse 2.9 it brings: no other file
// imports either. It loads them, and turns our operations into the package's callbacks.
//
// What the package demands of us, found by experiment:
// - It dispatches on the *default* event loop of the process. In a worker thread the first request is a segmentation
//   fault; on the daemon's main thread every read would be. So it has a process of its own (host.ts).
// - Its binary looks for a `libfuse.so.2` that most machines don't have, though the package brings one: loaded first by
//   its path, the loader takes it for the one it looks for.
// - It knows a fixed list of mount options; others get in behind a comma of one that is passed on as it is.
// - Its own handlers of attributes don't compare sizes: an attribute larger than the caller's buffer makes libfuse send
//   memory beyond that buffer. Ours, in their place, do.
// - Each libfuse thread that was ever started costs a kilobyte and some nanoseconds of every later request.

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Operations, Signal, Stat } from 'fuse-native';
import koffi from 'koffi';
import { messageOf, ShoalError } from '../../core/index.ts';

export type NativeStat = Stat;
/** A negative errno (Linux numbers). */
export type Refusal = number;

export interface NativeFileSystem {
  attributes(path: string): NativeStat | Refusal;
  /** Every name with what is known of it; `.` and `..` included. */
  entries(path: string): { readonly names: string[]; readonly stats: NativeStat[] } | Refusal;
  target(path: string): string | Refusal;
  statfs(): Record<string, number>;
  /** Answers with bytes in `into`, at once or later: the number of them, or a refusal. */
  read(path: string, into: Buffer, length: number, position: number, done: (result: number) => void): void;
  /** Absent when no file has any: the kernel then stops asking. */
  readonly xattrs?: {
    value(path: string, name: string): Uint8Array | Refusal;
    /** As listxattr(2) gives them. */
    list(path: string): Uint8Array | Refusal;
  };
}

export interface NativeMountOptions {
  /** Shown in the mount table. */
  readonly source: string;
  /** Let other users in, with the image's permissions; else the mounting user alone, with all permissions. */
  readonly shared: boolean;
  readonly maxBackground: number;
  /** libfuse has started one more thread: so many by now. */
  readonly onThread: (count: number) => void;
}

/** The package copies mountpoints into 1024 bytes and cuts what does not fit. */
const MAX_MOUNTPOINT_BYTES = 1023;
/** The tree never changes. Thirty years. */
const FOREVER_SECONDS = 1_000_000_000;
const ERANGE = 34;

const require = createRequire(import.meta.url);

/** Why the package can't be used here, or undefined. Looks at files only. */
export function packageProblem(): string | undefined {
  let folder: string;
  try {
    folder = dirname(require.resolve('fuse-native/package.json'));
  } catch {
    return 'the optional npm package fuse-native is not installed (npm install fuse-native@2.2.6)';
  }
  const platform = `${process.platform}-${process.arch}`;
  const binaries = [join('prebuilds', platform, 'node.napi.node'), join('build', 'Release', 'fuse.node')];
  if (binaries.some(path => existsSync(join(folder, path)))) return undefined;
  return `the npm package fuse-native has no binary for ${platform}`;
}

/**
 * Mounts and serves until the process ends. Resolves when the kernel and libfuse agreed on terms. To be called once, in
 * a process of its own. Rejects with `unsupported`, `busy`, `system`; what libfuse has to say goes to standard error.
 */
export async function mountNative(
  mountpoint: string,
  tree: NativeFileSystem,
  options: NativeMountOptions,
): Promise<void> {
  const length = Buffer.byteLength(mountpoint);
  if (length > MAX_MOUNTPOINT_BYTES) {
    throw new ShoalError('unsupported', `mountpoint of ${length} bytes: fuse-native takes ${MAX_MOUNTPOINT_BYTES}`);
  }
  const Base = await load();
  let threads = 0;
  class NativeMount extends Base {
    override _op_getxattr(signal: Signal, path: string, name: string, into: Buffer): void {
      answerSized(signal, into, () => tree.xattrs?.value(path, name));
    }

    override _op_listxattr(signal: Signal, path: string, into: Buffer): void {
      answerSized(signal, into, () => tree.xattrs?.list(path));
    }

    override _malloc(size: number): Buffer {
      options.onThread(++threads);
      return super._malloc(size);
    }
  }
  const mount = new NativeMount(mountpoint, operationsOf(tree), {
    timeout: false,
    fsname: options.source,
    subtype: `shoal,${furtherOptions(mountpoint, options).join(',')}`,
    allowOther: options.shared,
    defaultPermissions: options.shared,
    kernelCache: true,
    entryTimeout: FOREVER_SECONDS,
    attrTimeout: FOREVER_SECONDS,
  });
  await new Promise<void>((resolve, reject) => {
    mount.mount(error => (error === null ? resolve() : reject(refusalOf(error, mountpoint))));
  });
}

/** What the package has no names for. `use_ino`: st_ino is the nid, so that hard links are seen to be the same file. */
function furtherOptions(mountpoint: string, { shared, maxBackground }: NativeMountOptions): string[] {
  const options = ['ro', 'use_ino', `negative_timeout=${FOREVER_SECONDS}`];
  if (process.platform !== 'linux') return options;
  options.push(`max_background=${maxBackground}`);
  // Whether it may be is the daemon's decision. Only where it matters: libfuse 3, whose fusermount runs, has no such option.
  if (!isEmpty(mountpoint)) options.push('nonempty');
  // Only root may, as with the fuse driver: setuid programs and devices of an image must work in a container.
  if (shared) options.push('suid', 'dev');
  return options;
}

/** Looks at the directory before anything is mounted there. */
function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    return true; // libfuse will say
  }
}

/** Loads the package to see whether that goes well; for a process that has nothing to lose. Rejects with `unsupported`. */
export async function tryToLoad(): Promise<void> {
  await load();
}

async function load(): Promise<typeof import('fuse-native').default> {
  const problem = packageProblem();
  if (problem !== undefined) throw new ShoalError('unsupported', `driver fuse-native: ${problem}`);
  try {
    if (process.platform === 'linux') koffi.load((await import('fuse-shared-library')).lib);
    return (await import('fuse-native')).default;
  } catch (error) {
    throw new ShoalError('unsupported', `the npm package fuse-native does not load: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function operationsOf(tree: NativeFileSystem): Operations {
  return {
    getattr: (path, done) => {
      const found = tree.attributes(path);
      if (typeof found === 'number') done(platformErrno(found));
      else done(0, found);
    },
    readdir: (path, done) => {
      const found = tree.entries(path);
      if (typeof found === 'number') done(platformErrno(found));
      else done(0, found.names, found.stats);
    },
    readlink: (path, done) => {
      const found = tree.target(path);
      if (typeof found === 'number') done(platformErrno(found));
      else done(0, found);
    },
    statfs: (_path, done) => done(0, tree.statfs()),
    read: (path, _handle, into, length, position, done) =>
      tree.read(path, into, length, position, result => done(platformErrno(result))),
    ...(tree.xattrs === undefined ? {} : { getxattr: () => {}, listxattr: () => {} }),
  };
}

/** The way of getxattr(2): size 0 asks how long it is, and what does not fit is ERANGE. */
function answerSized(signal: Signal, into: Buffer, ask: () => Uint8Array | Refusal | undefined): void {
  const found = ask();
  // The buffer goes back in every case: the package must take it from JavaScript before libfuse frees it.
  if (found === undefined || typeof found === 'number') signal(platformErrno(found ?? -ERANGE), into.buffer);
  else if (into.length === 0) signal(found.length, into.buffer);
  else if (found.length > into.length) signal(platformErrno(-ERANGE), into.buffer);
  else {
    into.set(found);
    signal(found.length, into.buffer);
  }
}

/** The package throws plain errors with fixed texts. */
function refusalOf(error: Error, mountpoint: string): ShoalError {
  if (error.message === 'Mountpoint in use') {
    return new ShoalError('busy', `${mountpoint}: something is mounted there; fuse-native does not mount on top of it`);
  }
  return new ShoalError('system', `mount ${mountpoint} (fuse-native): ${error.message}`, { cause: error });
}

/** ENAMETOOLONG, ENODATA, EILSEQ and EUCLEAN (as EIO) have other numbers on macOS; results that are no errors pass. */
const DARWIN_ERRNO = new Map([
  [-36, -63],
  [-61, -93],
  [-84, -92],
  [-117, -5],
]);

function platformErrno(result: number): number {
  return process.platform === 'darwin' ? (DARWIN_ERRNO.get(result) ?? result) : result;
}
