// Worker thread of one mount: gets requests, from /dev/fuse or from a ring, and answers them. It blocks in the kernel, so
// it hears no messages; it ends when the connection ends (unmount or abort).

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/index.ts';
import { BootstrapReader } from '../../image/index.ts';
import { SharedCounters } from '../shared-counters.ts';
import { FuseDevice, MAX_READ_BYTES, type RequestDevice } from './device.ts';
import type { RingRole, ServerMessage, ServerWorkerData } from './messages.ts';
import type { InitOutcome } from './negotiation.ts';
import { InHeader } from './protocol.ts';
import { closeBlobs, openBlobs, ReadServer } from './read-server.ts';
import { RingDevice } from './ring-device.ts';
import { TreeServer } from './tree-server.ts';
import { WorkerBoard } from './worker-board.ts';

/** A damaged image fails request after request; beyond this many lines the log tells nothing new. */
const MAX_WARNINGS = 100;

const data: ServerWorkerData = workerData;
const board = new WorkerBoard(data.board);
const blobs = openBlobs(data.image.blobs);
let warnings = 0;
let agreed: InitOutcome | undefined;

const ring = data.ring === undefined ? undefined : makeRing(data.ring);
const device = ring instanceof RingDevice ? ring : new FuseDevice();
const server = makeServer(device);
post({ kind: 'loaded', ringProblem: typeof ring === 'string' ? ring : undefined });
if (board.waitForStart()) serve();
closeBlobs(blobs);
post({ kind: 'ended' });

function serve(): void {
  const fd = board.fd(data.number);
  if (device instanceof FuseDevice) serveDevice(fd, device, server);
  else if (!board.waitForTerms() || device.serve(fd, length => server.handle(length)) === 'refused') {
    device.leave();
    const instead = new FuseDevice();
    serveDevice(fd, instead, makeServer(instead));
  }
}

function serveDevice(fd: number, from: FuseDevice, to: TreeServer): void {
  from.fd = fd;
  for (let length = from.receive(); length > 0; length = from.receive()) {
    board.begin(data.number, from.request[InHeader.UNIQUE] ?? 0, from.request[InHeader.UNIQUE + 1] ?? 0);
    to.handle(length);
    board.end(data.number);
    if (agreed === 'ring' || agreed === 'accepted') board.agree(agreed === 'ring' ? 'rings' : 'device');
    agreed = undefined;
  }
  board.agree('device'); // the connection has ended, perhaps before there were any terms
}

/** Or why there is none. */
function makeRing(role: RingRole): RingDevice | string {
  try {
    return new RingDevice(role, {
      onMemory: region => post({ kind: 'memory', region }),
      onRing: fd => post({ kind: 'ring', fd }),
      onWarning: warn,
    });
  } catch (error) {
    return messageOf(error);
  }
}

function warn(message: string): void {
  if (warnings++ < MAX_WARNINGS) post({ kind: 'warning', message });
}

function makeServer(by: RequestDevice): TreeServer {
  const reader = new BootstrapReader(new Uint8Array(data.image.bootstrap), data.image.chunks);
  return new TreeServer(
    {
      device: by,
      reader,
      reads: new ReadServer(reader, blobs, { maxRead: MAX_READ_BYTES }),
      counters: new SharedCounters(data.counters),
      onInit: outcome => {
        agreed = outcome;
        post({ kind: 'initialized', outcome });
      },
      onMiss: read => post({ kind: 'miss', read }),
      onInterrupt: (uniqueLow, uniqueHigh) => post({ kind: 'interrupt', uniqueLow, uniqueHigh }),
      onWarning: warn,
    },
    { ...data, ring: () => board.offersRings },
  );
}

function post(message: ServerMessage): void {
  parentPort?.postMessage(message);
}
