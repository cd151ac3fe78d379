// A server worker that dies in the middle of a request: when it is asked for the name `die`. Not a test.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const LOOKUP = 1;
const IN_HEADER_BYTES = 40;
const { readSync, writeSync } = fs;
let doomed = false;

fs.readSync = (fd: number, buffer: NodeJS.ArrayBufferView, ...rest: unknown[]): number => {
  const length: number = Reflect.apply(readSync, fs, [fd, buffer, ...rest]);
  const request = Buffer.from(buffer.buffer, buffer.byteOffset, length);
  doomed =
    length > IN_HEADER_BYTES &&
    request.readUInt32LE(4) === LOOKUP &&
    request.toString('latin1', IN_HEADER_BYTES, length - 1) === 'die';
  return length;
};

fs.writeSync = (...call: unknown[]): number => {
  if (doomed) process.exit(7); // ends this thread
  return Reflect.apply(writeSync, fs, call);
};

syncBuiltinESMExports();
await import('../../../daemon/fuse/server-worker.ts');
