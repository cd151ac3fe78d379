// Worker thread of the store: from a payload as it came to verified bytes in the cache file, and from there to a frame for
// another node. The only place that writes to cache files. It keeps no state, so a dead one is simply replaced.

import { readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { fromSystemError, ShoalError } from '../../core/index.ts';
import { packVerified, unpackVerified } from '../../image/index.ts';
import {
  type ChunkJob,
  type ChunkJobMessage,
  type ChunkJobResult,
  END,
  type PackJob,
  type PunchJob,
  type StoreJob,
  type VerifyJob,
} from './chunk-job.ts';
import { type Damage, findDamage } from './verification.ts';

parentPort?.on('message', (message: ChunkJobMessage | typeof END) => {
  if (message === END) parentPort?.close();
  else void perform(message).then(answer);
});

function answer(result: ChunkJobResult): void {
  parentPort?.postMessage(result, result.frame === undefined ? [] : [result.frame.buffer]);
}

async function perform({ id, job }: ChunkJobMessage): Promise<ChunkJobResult> {
  try {
    if (job.kind === 'pack') return { id, frame: pack(job) };
    if (job.kind === 'verify') return { id, damage: verify(job) };
    if (job.kind === 'store') store(job);
    else await punch(job);
    return { id };
  } catch (error) {
    const { code, message } = fromSystemError(error, describe(job));
    return { id, failure: { code, message } };
  }
}

function store({ fd, blob, chunk, payload }: StoreJob): void {
  const bytes = unpackVerified(blob, chunk, payload);
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, chunk.deviceOffset + done);
  }
}

function pack({ fd, blob, chunk }: PackJob): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunk.uncompressedSize);
  readWhole(fd, bytes, bytes.length, chunk.deviceOffset);
  return packVerified(blob, chunk, bytes);
}

function verify({ fd, blob, stretch }: VerifyJob): Damage[] {
  return findDamage(blob, stretch, (into, length, position) => readWhole(fd, into, length, position));
}

function readWhole(fd: number, into: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) {
    const got = readSync(fd, into, done, length - done, position + done);
    if (got === 0) throw new ShoalError('system', `cache file ends at ${position + done}`);
    done += got;
  }
}

/** Evictions are rare: threads that never see one do without the library for system calls. */
async function punch({ fd, offset, length }: PunchJob): Promise<void> {
  const { punchHole } = await import('../system-calls.ts');
  punchHole(fd, offset, length);
}

function describe(job: ChunkJob): string {
  if (job.kind === 'punch') return `give back ${job.length} bytes at ${job.offset}`;
  if (job.kind === 'verify') return `verify bytes ${job.stretch.from} to ${job.stretch.to} of blob ${job.blob.id}`;
  return `${job.kind} chunk ${job.chunk.index} of blob ${job.blob.id}`;
}
