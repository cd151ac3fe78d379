// Preloaded into every thread of a process (`node --import`): writes down each change that the process makes to files,
// when it begins and when it has ended, with its data. What power-loss/disk.ts then makes of it is what a disk might hold
// after a power cut. Only the calls that the cache and the state directory use are known here; that none is missing shows
// when the recording is played: it must give the directory as it really is (`differences` there).
//
// The log is one file that all threads append to, so its order is the order in which things happened: what began after
// something else had ended stands behind it. A frame: length of the header, length of the data (u32 each), header, data.

import fs, { type PathLike } from 'node:fs';
import fsPromises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { getEnvironmentData, threadId } from 'node:worker_threads';
import koffi from 'koffi';

/** Under this name threads find the descriptor of the log (worker_threads.setEnvironmentData); without it nothing is written. */
export const LOG_FD = 'power-loss log';

export type Call =
  | { readonly call: 'open'; readonly path: string; readonly creates: boolean; readonly truncates: boolean }
  | { readonly call: 'write'; readonly fd: number; readonly offset: number }
  | { readonly call: 'truncate'; readonly fd: number; readonly size: number }
  | { readonly call: 'punch'; readonly fd: number; readonly offset: number; readonly length: number }
  | { readonly call: 'sync'; readonly fd: number }
  | { readonly call: 'rename'; readonly from: string; readonly to: string }
  | { readonly call: 'remove'; readonly path: string }
  | { readonly call: 'mkdir'; readonly path: string };

/** `result`: a descriptor, or how many bytes were written. */
export type Frame =
  | { readonly begins: string; readonly what: Call }
  | { readonly ends: string; readonly failed: boolean; readonly result?: number | undefined }
  | { readonly mark: unknown };

const writeSync = fs.writeSync;
let lastId = 0;

function append(frame: Frame, data: Uint8Array = new Uint8Array()): void {
  const fd = getEnvironmentData(LOG_FD);
  if (typeof fd !== 'number') return;
  const header = Buffer.from(JSON.stringify(frame));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(header.length, 0);
  lengths.writeUInt32LE(data.length, 4);
  writeSync(fd, Buffer.concat([lengths, header, data]));
}

/** Puts something of the test's own into the log: what was promised by then. */
export function mark(what: unknown): void {
  append({ mark: what });
}

function begin(what: Call, data?: Uint8Array): string {
  const id = `${threadId}.${++lastId}`;
  append({ begins: id, what }, data);
  return id;
}

async function recorded<T>(
  what: Call,
  run: () => Promise<T>,
  options: { readonly data?: Uint8Array | undefined; readonly result?: (value: T) => number } = {},
): Promise<T> {
  const id = begin(what, options.data);
  try {
    const value = await run();
    append({ ends: id, failed: false, result: options.result?.(value) });
    return value;
  } catch (error) {
    append({ ends: id, failed: true });
    throw error;
  }
}

const { O_CREAT, O_TRUNC } = fs.constants;
const FLAGS: Readonly<Record<string, number>> = { w: O_CREAT | O_TRUNC, a: O_CREAT, r: 0 };

function openingOf(path: PathLike, flags: string | number = 'r'): Call {
  const bits = typeof flags === 'number' ? flags : (FLAGS[flags.charAt(0)] ?? 0);
  return {
    call: 'open',
    path: String(path),
    creates: (bits & O_CREAT) !== 0,
    truncates: (bits & O_TRUNC) !== 0,
  };
}

const { open, rename, unlink, mkdir, rm } = fsPromises;

Object.assign(fsPromises, {
  open: (path: PathLike, flags?: string | number, mode?: number) =>
    recorded(openingOf(path, flags), () => open(path, flags, mode), { result: file => file.fd }),
  rename: (from: PathLike, to: PathLike) =>
    recorded({ call: 'rename', from: String(from), to: String(to) }, () => rename(from, to)),
  unlink: (path: PathLike) => recorded({ call: 'remove', path: String(path) }, () => unlink(path)),
  rm: (path: PathLike, options?: Parameters<typeof rm>[1]) =>
    recorded({ call: 'remove', path: String(path) }, () => rm(path, options)),
  mkdir: (path: PathLike, options?: Parameters<typeof mkdir>[1]) =>
    recorded({ call: 'mkdir', path: String(path) }, () => mkdir(path, options)),
});

const anyFile = await open('/dev/null', 'r');
const handle: FileHandle = Object.getPrototypeOf(anyFile);
await anyFile.close();
const { truncate, datasync, sync, writeFile } = handle;
const write: (
  this: FileHandle,
  ...args: readonly [bytes: Uint8Array, at: number, length: number, offset: number]
) => Promise<{ readonly bytesWritten: number }> = handle.write;

Object.assign(handle, {
  write(this: FileHandle, bytes: Uint8Array, at: number, length: number, offset: number) {
    const data = bytes.subarray(at, at + length);
    return recorded({ call: 'write', fd: this.fd, offset }, () => write.call(this, bytes, at, length, offset), {
      data,
      result: ({ bytesWritten }) => bytesWritten,
    });
  },
  /** Of files that were just opened to be written anew. */
  writeFile(this: FileHandle, text: string) {
    const data = Buffer.from(text);
    return recorded({ call: 'write', fd: this.fd, offset: 0 }, () => writeFile.call(this, text), { data });
  },
  truncate(this: FileHandle, size = 0) {
    return recorded({ call: 'truncate', fd: this.fd, size }, () => truncate.call(this, size));
  },
  datasync(this: FileHandle) {
    return recorded({ call: 'sync', fd: this.fd }, () => datasync.call(this));
  },
  sync(this: FileHandle) {
    return recorded({ call: 'sync', fd: this.fd }, () => sync.call(this));
  },
});

fs.writeSync = ((fd: number, bytes: Uint8Array, at: number, length: number, offset: number): number => {
  const id = begin({ call: 'write', fd, offset }, bytes.subarray(at, at + length));
  const result = writeSync(fd, bytes, at, length, offset);
  append({ ends: id, failed: false, result });
  return result;
}) as typeof fs.writeSync;

syncBuiltinESMExports();

/** Holes are punched by a call that Node has no function for. */
const load = koffi.load;
koffi.load = (...args: Parameters<typeof load>) => {
  const library = load(...args);
  const declare = library.func.bind(library) as (declaration: string) => (...args: readonly unknown[]) => unknown;
  const func = (declaration: string) => {
    const native = declare(declaration);
    if (!declaration.startsWith('int fallocate(')) return native;
    return (fd: number, mode: number, offset: number, length: number) => {
      const id = begin({ call: 'punch', fd, offset, length });
      const result = native(fd, mode, offset, length);
      append({ ends: id, failed: result !== 0 });
      return result;
    };
  };
  return Object.create(library, { func: { value: func } });
};
