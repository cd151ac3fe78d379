// The blob thread of a conversion: appends compressed chunks to the file of a blob and hashes it on the way, whole and
// piece by piece. Writes are synchronous, they are all that this thread does.

import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { fromSystemError, ShoalError } from '../core/index.ts';
import { PieceHasher } from '../image/index.ts';
import { failureOf } from './failure.ts';
import type { BlobReply, BlobRequest, BlobThreadSetup } from './messages.ts';

const setup: BlobThreadSetup = workerData;
const { buffer: memory, slabBytes } = setup.memory;

interface OpenBlob {
  readonly path: string;
  readonly fd: number;
  readonly hash: Hash;
  readonly pieces: PieceHasher;
  size: number;
}

let blob: OpenBlob | undefined;

parentPort?.on('message', (request: BlobRequest) => {
  try {
    parentPort?.postMessage(answer(request));
  } catch (error) {
    parentPort?.postMessage(failureOf(error));
  }
});

function answer(request: BlobRequest): BlobReply {
  switch (request.kind) {
    case 'open':
      blob = begin(request.path);
      return { kind: 'done' };
    case 'write':
      append(opened(), new Uint8Array(memory, request.slot * slabBytes, request.length));
      return { kind: 'done' };
    case 'seal':
      return { kind: 'sealed', dataDigest: opened().hash.copy().update(request.header).digest() };
    case 'finish':
      return finish(opened(), request.tail);
  }
}

function begin(path: string): OpenBlob {
  return { path, fd: create(path), hash: createHash('sha256'), pieces: new PieceHasher(), size: 0 };
}

function finish(open: OpenBlob, tail: Uint8Array): BlobReply {
  append(open, tail);
  closeSync(open.fd);
  blob = undefined;
  return { kind: 'finished', idHex: open.hash.digest('hex'), size: open.size, pieces: open.pieces.finish() };
}

function append(open: OpenBlob, bytes: Uint8Array): void {
  open.hash.update(bytes);
  open.pieces.update(bytes);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(open.fd, bytes, at, bytes.length - at);
  } catch (error) {
    throw fromSystemError(error, `write ${open.path}`);
  }
  open.size += bytes.length;
}

function create(path: string): number {
  try {
    return openSync(path, 'wx'); // in a directory that is private; the file may become the target's own
  } catch (error) {
    throw fromSystemError(error, `create ${path}`);
  }
}

function opened(): OpenBlob {
  if (!blob) throw new ShoalError('internal', 'blob thread: no blob is open');
  return blob;
}
