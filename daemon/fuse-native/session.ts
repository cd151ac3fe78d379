// The daemon's side of one fuse-native mount: the host process from its start to its end, the thread that reads for it,
// and the reads that wait. The counterpart of fuse/session.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { abortedError, type Clock, fromSystemError, type Logger, ShoalError } from '../../core/index.ts';
import type { ServeLimits } from '../config.ts';
import { parseErrorCode } from '../error-codes.ts';
import type { MissedRead } from '../fuse/messages.ts';
import { ParkedReads } from '../fuse/parked-reads.ts';
import type { SharedBlob } from '../fuse/read-server.ts';
import { Counter, type SharedCounters } from '../shared-counters.ts';
import { socketPair } from '../system-calls.ts';
import { siblingScript } from '../worker-threads.ts';
import {
  type HostOrder,
  type HostReport,
  hostReport,
  type ReadWorkerData,
  type ReadWorkerMessage,
} from './messages.ts';

/** What libfuse and fusermount say is a line or two. */
const MAX_COMPLAINT_CHARACTERS = 4_096;

export interface NativeSessionPorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes the chunks of a read present. */
  readonly fetch: (read: MissedRead, signal: AbortSignal) => Promise<void>;
}

export interface NativeSessionOptions {
  readonly bootstrap: SharedArrayBuffer;
  readonly blobs: readonly SharedBlob[];
  readonly counters: SharedCounters;
  readonly limits: ServeLimits;
  readonly readDeadlineMs: number | undefined;
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
}

export interface NativeMountOrder {
  readonly mountpoint: string;
  readonly source: string;
  /** Let other users in; root only. */
  readonly shared: boolean;
}

export class NativeSession {
  readonly #ports: NativeSessionPorts;
  readonly #options: NativeSessionOptions;
  readonly #parked: ParkedReads;
  readonly #mounted = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  /** Reads that the host was told to ask for again, by id. */
  readonly #asked = new Map<number, PromiseWithResolvers<boolean>>();
  #host: ChildProcess | undefined;
  #alive = 0;
  #complaint = '';
  #failure: { readonly code: string; readonly message: string } | undefined;
  #expectEnd = false;

  constructor(ports: NativeSessionPorts, options: NativeSessionOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#parked = new ParkedReads(
      {
        ...ports,
        isDying: async () => false, // nobody says who reads, and nobody interrupts
        complete: read => this.#askAgain(read),
        fail: (read, errno) => this.#send({ kind: 'fail', id: read.uniqueLow, errno }),
        onSlow: () => options.counters.bump(Counter.SLOW_READS),
      },
      options,
    );
    this.#mounted.promise.catch(() => {}); // whoever waits for it is told; nobody has to
  }

  /** Resolves when neither process nor thread of this mount is left, however it came to its end. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The reads that wait for chunks. */
  get parked(): Pick<ParkedReads, 'waiting' | 'longestWaitMs' | 'slowEndedAt'> {
    return this.#parked;
  }

  /** Mounts and serves. Rejects when that fails or the signal fires; then `stop` must be called all the same. */
  start(order: NativeMountOrder, signal: AbortSignal): Promise<void> {
    const host = this.#startProcesses();
    const { bootstrap, blocks, inodes, limits } = this.#options;
    const maxBackground = limits.nativeMaxBackground;
    const bootstrapBytes = bootstrap.byteLength;
    this.#send({ kind: 'mount', daemonPid: process.pid, ...order, maxBackground, blocks, inodes, bootstrapBytes });
    host.stdin?.end(Buffer.from(bootstrap));
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(abortedError(signal));
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#mounted.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /** It is gone from the mount table; served until the last one who uses it has left. */
  noteUnmounted(): void {
    this.#expectEnd = true;
    this.#send({ kind: 'unmounted' });
  }

  /** Ends the connection: whoever reads gets an error. The mount itself stays in the table, dead. */
  abort(): void {
    this.#expectEnd = true;
    this.#killHost();
  }

  #killHost(): void {
    const pid = this.#host?.pid;
    if (pid === undefined || this.#host?.exitCode !== null || this.#host.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL'); // the group: also a fusermount that is just about to mount
    } catch {
      // gone already
    }
  }

  /** Lets go of everything, waiting reads included. */
  async stop(): Promise<void> {
    this.#parked.stop();
    this.abort();
    if (this.#alive > 0) await this.#ended.promise;
  }

  #startProcesses(): ChildProcess {
    const [ours, theirs] = socketPair();
    try {
      this.#host = this.#startHost(theirs);
    } catch (error) {
      closeSync(ours);
      throw fromSystemError(error, 'start the host of a fuse-native mount');
    } finally {
      closeSync(theirs);
    }
    this.#startReader(ours);
    return this.#host;
  }

  #startHost(readFd: number): ChildProcess {
    const script = fileURLToPath(siblingScript(import.meta.url, 'host'));
    const host = spawn(process.execPath, [script], {
      cwd: '/', // any other file system could not be unmounted meanwhile
      detached: true, // a session of its own: Ctrl-C is for the daemon; and a group, see `abort`
      stdio: ['pipe', 'ignore', 'pipe', 'ipc', readFd],
    });
    this.#alive++;
    host.stdin?.on('error', () => {}); // it ended early, and says why or does not
    host.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    host.on('message', message => this.#receive(message));
    host.once('error', error => this.#hear(error.message));
    host.once('close', (code, signal) => this.#hostLeft(signal ?? `exit code ${code}`));
    return host;
  }

  #startReader(fd: number): void {
    const { bootstrap, blobs, counters } = this.#options;
    const workerData: ReadWorkerData = { fd, bootstrap, blobs, counters: counters.buffer };
    const worker = new Worker(siblingScript(import.meta.url, 'read-worker'), { workerData });
    this.#alive++;
    worker.on('message', (message: ReadWorkerMessage) => this.#receiveFromReader(message));
    worker.on('error', error => {
      this.#ports.log.error('reader of a mount failed', { error: error.message });
      this.#mounted.reject(new ShoalError('system', `reader: ${error.message}`, { cause: error }));
    });
    worker.on('exit', () => {
      closeSync(fd); // the host, if it still asks, learns that nobody answers
      this.#killHost(); // often the reader learns first that it has died: that is still to be told
      this.#left();
    });
  }

  #hear(text: string): void {
    this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT_CHARACTERS);
  }

  #send(order: HostOrder): void {
    if (this.#host?.connected) this.#host.send(order, () => {}); // it has gone: that is learned otherwise
  }

  #receive(message: unknown): void {
    const parsed = hostReport.safeParse(message);
    if (!parsed.success) {
      this.#ports.log.error('the host of a fuse-native mount says what it must not; ended');
      this.abort();
      return;
    }
    this.#receiveReport(parsed.data);
  }

  #receiveReport(report: HostReport): void {
    switch (report.kind) {
      case 'mounted':
        this.#mounted.resolve();
        break;
      case 'failed':
        this.#failure = report; // told when the host has ended and everything that libfuse said was heard
        this.#expectEnd = true;
        break;
      case 'warning':
        this.#ports.log.warn('request failed', { error: report.message });
        break;
      case 'ended':
        this.abort();
    }
  }

  #receiveFromReader(message: ReadWorkerMessage): void {
    if (message.kind === 'miss') this.#parked.park(message.read);
    else if (message.kind === 'warning') this.#ports.log.warn('request failed', { error: message.message });
    else if (message.kind === 'again') {
      this.#asked.get(message.id)?.resolve(!message.missed);
      this.#asked.delete(message.id);
    }
  }

  #askAgain({ uniqueLow: id }: MissedRead): Promise<boolean> {
    const asked = Promise.withResolvers<boolean>();
    this.#asked.set(id, asked);
    this.#send({ kind: 'again', id });
    return asked.promise;
  }

  #hostLeft(how: string): void {
    const { code = 'system', message = `the host of the fuse-native mount ended: ${how}` } = this.#failure ?? {};
    this.#mounted.reject(new ShoalError(parseErrorCode(code), this.#explain(message)));
    if (!this.#expectEnd) {
      this.#ports.log.error('the host of a fuse-native mount died; the mount is gone', { how, said: this.#complaint });
    }
    this.#parked.stop();
    const gone = new ShoalError('aborted', 'the mount ends');
    for (const asked of this.#asked.values()) asked.reject(gone);
    this.#asked.clear();
    this.#left();
  }

  /** With what libfuse or fusermount said on standard error: the package itself only says that it failed. */
  #explain(message: string): string {
    const said = this.#complaint.trim().replaceAll('\n', '; ');
    return said === '' ? message : `${message}: ${said}`;
  }

  #left(): void {
    if (--this.#alive === 0) this.#ended.resolve();
  }
}
