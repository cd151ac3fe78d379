// Worker thread of one fuse-native mount: answers the host's questions for bytes from the cache files. Blocks in read(2)
// on its socket, so it hears no messages; it ends when the host does. A miss is answered as such at once, and handed to
// the main thread; when the chunks have come the host asks again.

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/index.ts';
import { BootstrapReader } from '../../image/index.ts';
import { MAX_READ_BYTES } from '../fuse/device.ts';
import { Errno, errnoFor } from '../fuse/errno.ts';
import { closeBlobs, MISS, openBlobs, ReadServer } from '../fuse/read-server.ts';
import { Counter, SharedCounters } from '../shared-counters.ts';
import type { ReadWorkerData, ReadWorkerMessage } from './messages.ts';
import { MISSING, ReadAnswerer, type ReadQuestion } from './read-channel.ts';

/** A damaged image fails request after request; beyond this many lines the log tells nothing new. */
const MAX_WARNINGS = 100;

const data: ReadWorkerData = workerData;
const blobs = openBlobs(data.blobs);
const reads = new ReadServer(new BootstrapReader(new Uint8Array(data.bootstrap)), blobs, { maxRead: MAX_READ_BYTES });
const counters = new SharedCounters(data.counters);
const answerer = new ReadAnswerer(data.fd, MAX_READ_BYTES);
let warnings = 0;

for (let question = answerer.next(); question !== undefined; question = answerer.next()) {
  if (!answerer.answer(resultOf(question))) break;
}
closeBlobs(blobs);
post({ kind: 'ended' });

function resultOf(question: ReadQuestion): number {
  const { id, again, nid, offset, size } = question;
  const startedAt = counters.startRead();
  const result = readFor(question);
  const missed = result === MISSING;
  if (again) post({ kind: 'again', id, missed });
  else if (missed) {
    counters.bump(Counter.MISSES);
    // No descriptor: the host knows its reads by their id. No pid: libfuse's users are not told who reads.
    post({ kind: 'miss', read: { fd: -1, uniqueLow: id, uniqueHigh: 0, pid: 0, nid, offset, size } });
  } else if (result >= 0) counters.hit(startedAt);
  return result;
}

function readFor({ nid, offset, size }: ReadQuestion): number {
  if (size > MAX_READ_BYTES) return -Errno.EINVAL;
  try {
    const bytes = reads.read(nid, offset, size, answerer.reply, ReadAnswerer.BYTES_AT);
    return bytes === MISS ? MISSING : bytes;
  } catch (error) {
    if (warnings++ < MAX_WARNINGS) post({ kind: 'warning', message: messageOf(error) });
    return -errnoFor(error);
  }
}

function post(message: ReadWorkerMessage): void {
  parentPort?.postMessage(message);
}
