// Shared memory between a mount's workers and the main thread: the starting signal, each worker's descriptor, and what
// it is busy with. A worker that blocks in read(2) hears no messages, and one that died can't say which request it took
// along.

import type { PendingRequest } from './device.ts';

const START = 0;
const TERMS = 1;
const FIRST_SLOT = 2;
/** Words of a worker: its descriptor, and the two halves of the `unique` it works on. */
const FD = 0;
const UNIQUE = 1;
const SLOT = 3;
const WAIT = 0;
const SERVE = 1;
const QUIT = 2;
const SERVE_RINGS = 3;
const DEVICE = 1;
const RINGS = 2;

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

  /** Main thread: lets the workers go to /dev/fuse (it must be mounted), or end. `rings`: all that should have one do. */
  signal(what: 'serve' | 'quit', rings = false): void {
    Atomics.store(this.#words, START, what === 'quit' ? QUIT : rings ? SERVE_RINGS : SERVE);
    Atomics.notify(this.#words, START);
  }

  /** Worker thread: blocks until the signal. True: serve. */
  waitForStart(): boolean {
    Atomics.wait(this.#words, START, WAIT);
    return Atomics.load(this.#words, START) !== QUIT;
  }

  /** The kernel may be told that there are rings. */
  get offersRings(): boolean {
    return Atomics.load(this.#words, START) === SERVE_RINGS;
  }

  /** Worker thread that reads /dev/fuse: the kernel wants rings, or not, or the connection is over. First word counts. */
  agree(on: 'rings' | 'device'): void {
    Atomics.compareExchange(this.#words, TERMS, WAIT, on === 'rings' ? RINGS : DEVICE);
    Atomics.notify(this.#words, TERMS);
  }

  /** Worker thread that has a ring: blocks until another one agreed with the kernel. True: on rings. */
  waitForTerms(): boolean {
    if (this.offersRings) Atomics.wait(this.#words, TERMS, WAIT);
    return Atomics.load(this.#words, TERMS) === RINGS;
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
