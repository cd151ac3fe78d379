// The main thread's side of one FUSE connection: its worker threads from loading to the connection's end, the reads
// that wait, and what happens when a thread dies: no request is left without an answer, no mount without a server.

import { closeSync } from 'node:fs';
import { abortedError, type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import type { ServeLimits } from '../config.ts';
import { Counter, type SharedCounters } from '../shared-counters.ts';
import { cloneFuseDevice } from '../system-calls.ts';
import type { Completer, CompleterMount } from './completer.ts';
import { answerError, requestResend } from './device.ts';
import { Errno } from './errno.ts';
import type { MissedRead, ServedImage, ServerMessage, ServerOrder } from './messages.ts';
import type { SessionTerms } from './negotiation.ts';
import { ParkedReads } from './parked-reads.ts';
import { isDying } from './requester.ts';
import type { RingPlan } from './ring-plan.ts';
import type { ServerThreads } from './server-threads.ts';
import { SessionRings } from './session-rings.ts';
import { WorkerBoard } from './worker-board.ts';

export interface SessionPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly completer: Pick<Completer, 'attach'>;
  /** Where threads come from; perhaps some have loaded already. */
  readonly threads: Pick<ServerThreads, 'take'>;
  /** Makes the chunks of a read present. */
  readonly fetch: (read: MissedRead, signal: AbortSignal) => Promise<void>;
  /** Called with further descriptors of the connection, before anything is read from them. Never rejects. */
  readonly onClones: (clones: readonly number[]) => Promise<void>;
  /** Nobody can serve this connection any more: somebody must end it. */
  readonly onUnservable: () => void;
}

export interface SessionOptions {
  /** The open /dev/fuse; the caller's to close, after `stop`. */
  readonly fd: number;
  /** Of a connection that another process served: the clones that it had, which are the session's to close. */
  readonly clones?: readonly number[];
  readonly image: ServedImage;
  readonly counters: SharedCounters;
  readonly limits: ServeLimits;
  readonly readDeadlineMs: number | undefined;
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
  /** Which processors' requests come by io_uring, if the kernel wants it. */
  readonly rings: RingPlan;
}

export class FuseSession {
  readonly #ports: SessionPorts;
  readonly #options: SessionOptions;
  readonly #board: WorkerBoard;
  readonly #parked: ParkedReads;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #initialized = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  /** No thread is left. */
  readonly #over = new AbortController();
  readonly #clones: number[];
  readonly #rings: SessionRings;
  #terms: SessionTerms | undefined;
  #completer: Promise<CompleterMount> | undefined;
  #serving = false;
  #alive = 0;
  /** Threads that were started, those that took another's place left out. */
  #hired = 0;
  #unloaded = 0;
  #restarts = 0;

  constructor(ports: SessionPorts, options: SessionOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#clones = [...(options.clones ?? [])];
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

  /** What was agreed on with the kernel; known when `serve` has resolved. */
  get terms(): SessionTerms | undefined {
    return this.#terms;
  }

  /** The reads that wait for chunks. */
  get parked(): Pick<ParkedReads, 'waiting' | 'longestWaitMs' | 'slowEndedAt'> {
    return this.#parked;
  }

  /**
   * Opens the image in the threads that are needed to begin, which wait for `serve`. Rejects when one fails. For
   * /dev/fuse one is enough; the others come when it serves. With rings the kernel wants all of them.
   */
  async load(): Promise<void> {
    const needed = this.#rings.problem === undefined ? this.#options.limits.workers : 1;
    this.#unloaded = needed;
    this.#hireUpTo(needed);
    await this.#loaded.promise;
  }

  /**
   * The device is mounted: serves it. Resolves when the kernel and we agreed on terms; rejects when the signal fires,
   * and with `system`.
   */
  async serve(signal: AbortSignal): Promise<void> {
    await this.#assignDevices();
    if (signal.aborted) throw abortedError(signal);
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
   * In place of `serve`: goes on with a connection that a process served which is dead. Throws `system`.
   */
  async resume(): Promise<void> {
    await this.#assignDevices();
    this.#serving = true;
    this.#initialized.resolve();
    this.#board.signal('serve');
    requestResend(this.#options.fd);
    void this.#complement();
  }

  /**
   * Lets go of everything, waiting reads included. The connection must be over or never have been mounted, else this
   * waits for its end. Afterwards nothing uses the descriptor any more.
   */
  async stop(): Promise<void> {
    this.#parked.stop();
    if (!this.#serving) this.#board.signal('quit');
    if (this.#alive > 0) await this.#ended.promise;
    await this.#completer?.then(
      completer => completer.detach(),
      () => {}, // never attached: the log says why
    );
    for (const clone of this.#clones.splice(0)) closeSync(clone);
    this.#rings.free();
  }

  /**
   * A clone of the device for each worker but the first, so that they don't contend for one queue. Clones stay open until
   * the end, whatever becomes of the workers: closing one fails the reads that were taken from it and wait.
   */
  async #assignDevices(): Promise<void> {
    const { fd, limits } = this.#options;
    const known = this.#clones.length;
    while (this.#clones.length < limits.workers - 1) this.#clones.push(cloneFuseDevice(fd));
    this.#board.assign(0, fd);
    for (let number = 1; number < limits.workers; number++) this.#board.assign(number, this.#clones[number - 1] ?? fd);
    if (this.#clones.length > known) await this.#ports.onClones(this.#clones.slice(known));
  }

  async #complete(read: MissedRead): Promise<boolean> {
    return (await this.#attached()).serve(read);
  }

  /** The completer opens the image when the first read has to wait: in time for its chunks, and not while the mount starts. */
  #attached(): Promise<CompleterMount> {
    if (this.#completer !== undefined) return this.#completer;
    this.#completer = this.#ports.completer.attach(this.#options.image);
    this.#completer.catch(() => this.#ports.onUnservable()); // the log says why
    return this.#completer;
  }

  #park(read: MissedRead): void {
    void this.#attached();
    this.#parked.park(read);
  }

  /** Where many mounts start at once, each has one thread before any has more. */
  async #complement(): Promise<void> {
    const { workers, othersAfterMs } = this.#options.limits;
    if (this.#hired === workers) return;
    await this.#ports.clock.sleep(othersAfterMs, { signal: this.#over.signal }).catch(() => {});
    if (!this.#over.signal.aborted) this.#hireUpTo(workers);
  }

  #hireUpTo(count: number): void {
    while (this.#hired < count) this.#hire(this.#hired++);
  }

  #hire(number: number): void {
    const { image, counters, limits, blocks, inodes } = this.#options;
    const order: ServerOrder = {
      kind: 'serve',
      what: {
        image,
        number,
        board: this.#board.buffer,
        counters: counters.buffer,
        ring: this.#serving ? undefined : this.#rings.roleOf(number), // who takes another's place reads /dev/fuse
        maxBackground: limits.maxBackground,
        readaheadBytes: limits.readaheadBytes,
        blocks,
        inodes,
      },
    };
    const worker = this.#ports.threads.take();
    worker.postMessage(order);
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
        this.#terms = message.terms;
        this.#ports.log.info('the kernel sends requests', { by: this.transport, ringProblem: this.#rings.problem });
        if (message.outcome === 'accepted' || message.outcome === 'ring') {
          this.#initialized.resolve();
          void this.#complement();
        } else if (message.outcome === 'refused') {
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
        this.#park(message.read);
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
    this.#over.abort();
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
