// The main thread's side of one FUSE connection: its worker threads from loading to the connection's end, the reads
// that wait, and what happens when a thread dies: no request is left without an answer, no mount without a server.

import { closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { abortedError, type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import type { ServeLimits } from '../config.ts';
import { Counter, type SharedCounters } from '../shared-counters.ts';
import { cloneFuseDevice } from '../system-calls.ts';
import { siblingScript } from '../worker-threads.ts';
import type { Completer, CompleterMount } from './completer.ts';
import { answerError } from './device.ts';
import { Errno } from './errno.ts';
import type { MissedRead, ServedImage, ServerMessage, ServerWorkerData } from './messages.ts';
import { ParkedReads } from './parked-reads.ts';
import { isDying } from './requester.ts';
import type { RingPlan } from './ring-plan.ts';
import { SessionRings } from './session-rings.ts';
import { WorkerBoard } from './worker-board.ts';

export interface SessionPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly completer: Completer;
  /** Makes the chunks of a read present. */
  readonly fetch: (read: MissedRead, signal: AbortSignal) => Promise<void>;
  /** Nobody can serve this connection any more: somebody must end it. */
  readonly onUnservable: () => void;
}

export interface SessionOptions {
  /** The open /dev/fuse; the caller's to close, after `stop`. */
  readonly fd: number;
  readonly image: ServedImage;
  readonly counters: SharedCounters;
  readonly limits: ServeLimits;
  readonly readDeadlineMs: number | undefined;
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
  /** Which processors' requests come by io_uring, if the kernel wants it. */
  readonly rings: RingPlan;
  /** What the threads run; only tests of their death run something else. */
  readonly script?: URL;
}

export class FuseSession {
  readonly #ports: SessionPorts;
  readonly #options: SessionOptions;
  readonly #board: WorkerBoard;
  readonly #parked: ParkedReads;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #initialized = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #clones: number[] = [];
  readonly #rings: SessionRings;
  #completer: CompleterMount | undefined;
  #serving = false;
  #alive = 0;
  #unloaded: number;
  #restarts = 0;

  constructor(ports: SessionPorts, options: SessionOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#unloaded = options.limits.workers;
    this.#board = WorkerBoard.forWorkers(options.limits.workers);
    this.#rings = new SessionRings(options.rings);
    this.#parked = new ParkedReads(
      {
        ...ports,
        isDying,
        complete: read => this.#complete(read),
        fail: (read, errno) => answerError(read, errno),
        onSlow: () => options.counters.bump(Counter.SLOW_READS),
      },
      options,
    );
    // Whoever waits for one of these is told; nobody has to.
    this.#loaded.promise.catch(() => {});
    this.#initialized.promise.catch(() => {});
  }

  /** Resolves when no thread of this connection is left: it was unmounted or aborted, or never served. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** How requests come; known when `serve` has resolved. */
  get transport(): 'io_uring' | '/dev/fuse' {
    return this.#rings.inUse ? 'io_uring' : '/dev/fuse';
  }

  /** The reads that wait for chunks. */
  get parked(): Pick<ParkedReads, 'waiting' | 'longestWaitMs' | 'slowEndedAt'> {
    return this.#parked;
  }

  /** Starts the threads and opens the image in each. They wait for `serve`. Rejects when one fails. */
  async load(): Promise<void> {
    for (let number = 0; number < this.#options.limits.workers; number++) this.#hire(number);
    const [, completer] = await Promise.allSettled([
      this.#loaded.promise,
      this.#ports.completer.attach(this.#options.image),
    ]);
    if (completer.status === 'fulfilled') this.#completer = completer.value;
    await this.#loaded.promise;
    if (completer.status === 'rejected') throw completer.reason;
  }

  /**
   * The device is mounted: serves it. Resolves when the kernel and we agreed on terms; rejects when the signal fires,
   * and with `system`.
   */
  async serve(signal: AbortSignal): Promise<void> {
    this.#assignDevices();
    this.#serving = true;
    this.#board.signal('serve', this.#rings.problem === undefined);
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(abortedError(signal));
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#initialized.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /**
   * Lets go of everything, waiting reads included. The connection must be over or never have been mounted, else this
   * waits for its end. Afterwards nothing uses the descriptor any more.
   */
  async stop(): Promise<void> {
    this.#parked.stop();
    if (!this.#serving) this.#board.signal('quit');
    if (this.#alive > 0) await this.#ended.promise;
    await this.#completer?.detach();
    for (const clone of this.#clones.splice(0)) closeSync(clone);
    this.#rings.free();
  }

  /**
   * A clone of the device for each worker but the first, so that they don't contend for one queue. Clones stay open until
   * the end, whatever becomes of the workers: closing one fails the reads that were taken from it and wait.
   */
  #assignDevices(): void {
    const { fd, limits } = this.#options;
    this.#board.assign(0, fd);
    for (let number = 1; number < limits.workers; number++) {
      const clone = cloneFuseDevice(fd);
      this.#clones.push(clone);
      this.#board.assign(number, clone);
    }
  }

  #complete(read: MissedRead): Promise<boolean> {
    if (this.#completer === undefined) throw new ShoalError('internal', 'read before the completer was attached');
    return this.#completer.serve(read);
  }

  #hire(number: number): void {
    const { image, counters, limits, blocks, inodes, script } = this.#options;
    const workerData: ServerWorkerData = {
      image,
      number,
      board: this.#board.buffer,
      counters: counters.buffer,
      ring: this.#serving ? undefined : this.#rings.roleOf(number), // who takes another's place reads /dev/fuse
      maxBackground: limits.maxBackground,
      readaheadBytes: limits.readaheadBytes,
      blocks,
      inodes,
    };
    const worker = new Worker(script ?? siblingScript(import.meta.url, 'server-worker'), { workerData });
    let ended = false;
    this.#alive++;
    worker.on('message', (message: ServerMessage) => {
      ended ||= message.kind === 'ended';
      this.#receive(message);
    });
    worker.on('error', error => {
      this.#ports.log.error('worker of a mount failed', { error: error.message });
      this.#loaded.reject(new ShoalError('system', `worker: ${error.message}`, { cause: error }));
    });
    worker.on('exit', code => this.#leave(number, ended, code));
  }

  #receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'loaded':
        if (message.ringProblem !== undefined) this.#rings.problem ??= message.ringProblem;
        if (--this.#unloaded === 0) this.#loaded.resolve();
        break;
      case 'initialized':
        this.#rings.inUse = message.outcome === 'ring';
        this.#ports.log.info('the kernel sends requests', { by: this.transport, ringProblem: this.#rings.problem });
        if (message.outcome === 'accepted' || message.outcome === 'ring') this.#initialized.resolve();
        else if (message.outcome === 'refused') {
          this.#initialized.reject(new ShoalError('unsupported', 'the kernel speaks FUSE older than 7.31 (Linux 5.4)'));
        }
        break;
      case 'ring':
        this.#rings.own(message.fd);
        break;
      case 'memory':
        this.#rings.ownMemory(message.region);
        break;
      case 'miss':
        this.#parked.park(message.read);
        break;
      case 'interrupt':
        this.#parked.interrupt(message.uniqueLow, message.uniqueHigh);
        break;
      case 'warning':
        this.#ports.log.warn('request failed', { error: message.message });
        break;
      case 'ended':
        this.#rings.end(); // its exit follows
        break;
    }
  }

  #leave(number: number, ended: boolean, exitCode: number): void {
    this.#alive--;
    if (!ended) this.#replace(number, exitCode);
    if (this.#alive > 0) return;
    const over = new ShoalError('aborted', 'the connection ended');
    this.#loaded.reject(over);
    this.#initialized.reject(over);
    this.#ended.resolve();
  }

  /** A thread died: whoever waits for the request it held gets an error, and another thread takes its place. */
  #replace(number: number, exitCode: number): void {
    const unfinished = this.#board.unfinished(number);
    if (unfinished !== undefined) {
      this.#board.end(number);
      try {
        answerError(unfinished, Errno.EIO);
      } catch (error) {
        this.#ports.log.error('request of a dead worker could not be answered', { error: messageOf(error) });
      }
    }
    if (!this.#serving) {
      this.#loaded.reject(new ShoalError('system', `worker ended with code ${exitCode}`)); // `load` fails: that is all
      return;
    }
    this.#restarts++;
    // What the kernel had given to a ring's thread is lost with it: better no mount than readers that nobody can free.
    const isLost = this.#rings.inUse && this.#rings.roleOf(number) !== undefined;
    if (!isLost && this.#restarts <= this.#options.limits.maxWorkerRestarts) this.#hire(number);
    else this.#ports.onUnservable();
    this.#ports.log.error('worker of a mount died', { worker: number, exitCode, restarts: this.#restarts });
  }
}
