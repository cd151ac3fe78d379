// Worker thread of one mount: reads requests from /dev/fuse and answers them. It blocks in read(2), so it hears no
// messages; it ends when the connection ends (unmount or abort).

import { parentPort, workerData } from 'node:worker_threads';
import { BootstrapReader } from '../../image/index.ts';
import { SharedCounters } from '../shared-counters.ts';
import { FuseDevice, MAX_READ_BYTES } from './device.ts';
import type { ServerMessage, ServerWorkerData } from './messages.ts';
import { InHeader } from './protocol.ts';
import { closeBlobs, openBlobs, ReadServer } from './read-server.ts';
import { TreeServer } from './tree-server.ts';
import { WorkerBoard } from './worker-board.ts';

/** A damaged image fails request after request; beyond this many lines the log tells nothing new. */
const MAX_WARNINGS = 100;

const data: ServerWorkerData = workerData;
const board = new WorkerBoard(data.board);
const blobs = openBlobs(data.image.blobs);
const device = new FuseDevice();
let warnings = 0;

const server = makeServer();
post({ kind: 'loaded' });
if (board.waitForStart()) serve();
closeBlobs(blobs);
post({ kind: 'ended' });

function serve(): void {
  device.fd = board.fd(data.number);
  for (let length = device.receive(); length > 0; length = device.receive()) {
    board.begin(data.number, device.request[InHeader.UNIQUE] ?? 0, device.request[InHeader.UNIQUE + 1] ?? 0);
    server.handle(length);
    board.end(data.number);
  }
}

function makeServer(): TreeServer {
  const reader = new BootstrapReader(new Uint8Array(data.image.bootstrap), data.image.chunks);
  return new TreeServer(
    {
      device,
      reader,
      reads: new ReadServer(reader, blobs, { maxRead: MAX_READ_BYTES }),
      counters: new SharedCounters(data.counters),
      onInit: outcome => post({ kind: 'initialized', outcome }),
      onMiss: read => post({ kind: 'miss', read }),
      onInterrupt: (uniqueLow, uniqueHigh) => post({ kind: 'interrupt', uniqueLow, uniqueHigh }),
      onWarning: message => {
        if (warnings++ < MAX_WARNINGS) post({ kind: 'warning', message });
      },
    },
    data,
  );
}

function post(message: ServerMessage): void {
  parentPort?.postMessage(message);
}
