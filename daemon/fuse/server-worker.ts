// Worker thread of one mount: gets requests, from /dev/fuse or from a ring, and answers them. It hears one message, what it
// is to serve; from then on it blocks in the kernel, and ends when the connection ends (unmount or abort).

import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../core/index.ts';
import { SharedCounters } from '../shared-counters.ts';
import { FuseDevice, MAX_READ_BYTES, type RequestDevice } from './device.ts';
import type { RingRole, ServerMessage, ServerOrder, ServerWork } from './messages.ts';
import type { InitOutcome } from './negotiation.ts';
import { InHeader } from './protocol.ts';
import { closeBlobs, type OpenBlob, openBlobs, ReadServer } from './read-server.ts';
import { RequestServer } from './request-server.ts';
import { RingDevice } from './ring-device.ts';
import { servedNodes } from './served-image.ts';
import { WorkerBoard } from './worker-board.ts';

/** A damaged image fails request after request; beyond this many lines the log tells nothing new. */
const MAX_WARNINGS = 100;

parentPort?.once('message', (order: ServerOrder) => {
  if (order.kind === 'serve') new ServerWorker(order.what).run();
});

class ServerWorker {
  readonly #work: ServerWork;
  readonly #board: WorkerBoard;
  readonly #blobs: readonly OpenBlob[];
  #warnings = 0;
  #agreed: InitOutcome | undefined;

  constructor(work: ServerWork) {
    this.#work = work;
    this.#board = new WorkerBoard(work.board);
    this.#blobs = openBlobs(work.image.blobs);
  }

  /** Returns when the connection has ended. */
  run(): void {
    const { ring: role } = this.#work;
    const ring = role === undefined ? undefined : this.#makeRing(role);
    const device = ring instanceof RingDevice ? ring : new FuseDevice();
    const server = this.#makeServer(device);
    post({ kind: 'loaded', ringProblem: typeof ring === 'string' ? ring : undefined });
    if (this.#board.waitForStart()) this.#serve(device, server);
    closeBlobs(this.#blobs);
    post({ kind: 'ended' });
  }

  #serve(device: FuseDevice | RingDevice, server: RequestServer): void {
    const fd = this.#board.fd(this.#work.number);
    if (device instanceof FuseDevice) this.#serveDevice(fd, device, server);
    else if (!this.#board.waitForTerms() || device.serve(fd, length => server.handle(length)) === 'refused') {
      device.leave();
      const instead = new FuseDevice();
      this.#serveDevice(fd, instead, this.#makeServer(instead));
    }
  }

  #serveDevice(fd: number, from: FuseDevice, to: RequestServer): void {
    const board = this.#board;
    const { number } = this.#work;
    from.fd = fd;
    for (let length = from.receive(); length > 0; length = from.receive()) {
      board.begin(number, from.request[InHeader.UNIQUE] ?? 0, from.request[InHeader.UNIQUE + 1] ?? 0);
      to.handle(length);
      board.end(number);
      if (this.#agreed === 'ring' || this.#agreed === 'accepted') {
        board.agree(this.#agreed === 'ring' ? 'rings' : 'device');
      }
      this.#agreed = undefined;
    }
    board.agree('device'); // the connection has ended, perhaps before there were any terms
  }

  /** Or why there is none. */
  #makeRing(role: RingRole): RingDevice | string {
    try {
      return new RingDevice(role, {
        onMemory: region => post({ kind: 'memory', region }),
        onRing: fd => post({ kind: 'ring', fd }),
        onWarning: message => this.#warn(message),
      });
    } catch (error) {
      return messageOf(error);
    }
  }

  #warn(message: string): void {
    if (this.#warnings++ < MAX_WARNINGS) post({ kind: 'warning', message });
  }

  #makeServer(by: RequestDevice): RequestServer {
    const { image, counters } = this.#work;
    const { files, nodes } = servedNodes(image, by);
    return new RequestServer(
      {
        device: by,
        nodes,
        reads: new ReadServer(files, this.#blobs, { maxRead: MAX_READ_BYTES }),
        counters: new SharedCounters(counters),
        onInit: (outcome, terms) => {
          this.#agreed = outcome;
          post({ kind: 'initialized', outcome, terms });
        },
        onMiss: read => post({ kind: 'miss', read }),
        onInterrupt: (uniqueLow, uniqueHigh) => post({ kind: 'interrupt', uniqueLow, uniqueHigh }),
        onWarning: message => this.#warn(message),
      },
      { ...this.#work, asyncDirect: image.shows !== 'tree', ring: () => this.#board.offersRings },
    );
  }
}

function post(message: ServerMessage): void {
  parentPort?.postMessage(message);
}
