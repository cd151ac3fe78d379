// Worker thread of the store: from a payload as it came to verified bytes in the cache file. The only place that
// writes to cache files. It keeps no state, so a dead one is simply replaced.

import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { fromSystemError } from '../../core/index.ts';
import { unpackVerified } from '../../image/index.ts';
import {
  type ChunkJob,
  type ChunkJobMessage,
  type ChunkJobResult,
  END,
  type PunchJob,
  type StoreJob,
} from './chunk-job.ts';

parentPort?.on('message', (message: ChunkJobMessage | typeof END) => {
  if (message === END) parentPort?.close();
  else void perform(message).then(result => parentPort?.postMessage(result));
});

async function perform({ id, job }: ChunkJobMessage): Promise<ChunkJobResult> {
  try {
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

/** Evictions are rare: threads that never see one do without the library for system calls. */
async function punch({ fd, offset, length }: PunchJob): Promise<void> {
  const { punchHole } = await import('../system-calls.ts');
  punchHole(fd, offset, length);
}

function describe(job: ChunkJob): string {
  return job.kind === 'store'
    ? `store chunk ${job.chunk.index} of blob ${job.blob.id}`
    : `give back ${job.length} bytes at ${job.offset}`;
}
