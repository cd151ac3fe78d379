// Worker thread shared by all mounts: answers READs that had to wait, once their chunks are there. So the copying of
// their bytes is neither on the main thread nor in the way of the workers that answer hits.

import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../core/index.ts';
import { MAX_READ_BYTES, ReplyBuffer } from './device.ts';
import { errnoFor } from './errno.ts';
import type { CompleterOrder, CompleterReport, MissedRead, ServedImage } from './messages.ts';
import { OutHeader } from './protocol.ts';
import { closeBlobs, MISS, type OpenBlob, openBlobs, ReadServer } from './read-server.ts';
import { servedFiles } from './served-image.ts';

interface Attached {
  readonly blobs: readonly OpenBlob[];
  readonly reads: ReadServer;
}

const reply = new ReplyBuffer();
const mounts = new Map<number, Attached>();

parentPort?.on('message', (order: CompleterOrder) => {
  if (order.kind === 'attach') attach(order.mount, order.image);
  else if (order.kind === 'detach') detach(order.mount);
  else if (order.kind === 'serve') serve(order.mount, order.read);
  else parentPort?.close();
});

function attach(mount: number, image: ServedImage): void {
  let blobs: readonly OpenBlob[] = [];
  try {
    blobs = openBlobs(image.blobs);
    const reads = new ReadServer(servedFiles(image), blobs, { maxRead: MAX_READ_BYTES });
    mounts.set(mount, { blobs, reads });
    report({ kind: 'attached', mount });
  } catch (error) {
    closeBlobs(blobs);
    report({ kind: 'attached', mount, failure: messageOf(error) });
  }
}

function detach(mount: number): void {
  const attached = mounts.get(mount);
  mounts.delete(mount);
  if (attached !== undefined) closeBlobs(attached.blobs);
  report({ kind: 'detached', mount });
}

function serve(mount: number, read: MissedRead): void {
  const attached = mounts.get(mount);
  if (attached === undefined) return; // unmounted meanwhile; nobody waits any more
  report({ kind: 'served', mount, read, missed: !answer(attached, mount, read) });
}

/** False when a chunk is missing again. */
function answer({ reads }: Attached, mount: number, read: MissedRead): boolean {
  try {
    const bytes = reads.read(read.nid, read.offset, read.size, reply.bytes, OutHeader.BYTES);
    if (bytes === MISS) return false;
    reply.respond(read, bytes);
  } catch (error) {
    report({ kind: 'warning', mount, message: messageOf(error) });
    reply.fail(read, errnoFor(error));
  }
  return true;
}

function report(message: CompleterReport): void {
  parentPort?.postMessage(message);
}
