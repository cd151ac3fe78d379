// Shared memory between a mount's workers and the main thread: the starting signal, each worker's descriptor, and what
// it is busy with. A worker that blocks in read(2) hears no messages, and one that died can't say which request it took
// along.

import type { PendingRequest } from './device.ts';

const START = 0;
const FIRST_SLOT = 1;
/** Words of a worker: its descriptor, and the two halves of the `unique` it works on. */
const FD = 0;
const UNIQUE = 1;
const SLOT = 3;
const WAIT = 0;
const SERVE = 1;
const QUIT = 2;

export class WorkerBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  static forWorkers(count: number): WorkerBoard {
    return new WorkerBoard(new SharedArrayBuffer(4 * (FIRST_SLOT + SLOT * count)));
  }

  /** Main thread, before the signal: the descriptor that this worker, and whoever replaces it, is to serve. */
  assign(worker: number, fd: number): void {
    this.#words[FIRST_SLOT + SLOT * worker + FD] = fd;
  }

  /** The worker's descriptor. */
  fd(worker: number): number {
    return this.#words[FIRST_SLOT + SLOT * worker + FD] ?? -1;
  }

  /** Main thread: lets the workers go to /dev/fuse (it must be mounted), or end. */
  signal(what: 'serve' | 'quit'): void {
    Atomics.store(this.#words, START, what === 'serve' ? SERVE : QUIT);
    Atomics.notify(this.#words, START);
  }

  /** Worker thread: blocks until the signal. True: serve. */
  waitForStart(): boolean {
    Atomics.wait(this.#words, START, WAIT);
    return Atomics.load(this.#words, START) === SERVE;
  }

  /** Worker thread: notes the request that it works on. Plain stores: only read after the thread has died. */
  begin(worker: number, uniqueLow: number, uniqueHigh: number): void {
    const at = FIRST_SLOT + SLOT * worker + UNIQUE;
    this.#words[at] = uniqueLow;
    this.#words[at + 1] = uniqueHigh;
  }

  /** Worker thread: the request is answered, or in somebody else's hands. */
  end(worker: number): void {
    this.begin(worker, 0, 0);
  }

  /** Main thread: the request that a dead worker took along; `unique` is never 0. */
  unfinished(worker: number): PendingRequest | undefined {
    const at = FIRST_SLOT + SLOT * worker + UNIQUE;
    const uniqueLow = (this.#words[at] ?? 0) >>> 0;
    const uniqueHigh = (this.#words[at + 1] ?? 0) >>> 0;
    return uniqueLow === 0 && uniqueHigh === 0 ? undefined : { fd: this.fd(worker), uniqueLow, uniqueHigh };
  }
}
