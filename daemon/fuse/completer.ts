// The main thread's side of the completer: hands over reads whose chunks have come, learns what became of them.
// One thread for all mounts; it is started with the first.

import { Worker } from 'node:worker_threads';
import { type Logger, ShoalError } from '../../core/index.ts';
import { endWorker, siblingScript } from '../worker-threads.ts';
import type { CompleterOrder, CompleterReport, MissedRead, ServedImage } from './messages.ts';

export interface CompleterMount {
  /** Answers a read from the cache. False: a chunk went again, nothing was answered. */
  serve(read: MissedRead): Promise<boolean>;
  /** Resolves when the image's descriptor is not used any more. Idempotent. */
  detach(): Promise<void>;
}

interface Attachment {
  readonly image: ServedImage;
  readonly attached: PromiseWithResolvers<void>;
  readonly detached: PromiseWithResolvers<void>;
  readonly reads: Map<string, PromiseWithResolvers<boolean>>;
  /** Asked to detach: must never be opened again, its descriptor is about to be closed. */
  leaving: boolean;
}

export class Completer {
  readonly #log: Logger;
  readonly #maxRestarts: number;
  readonly #mounts = new Map<number, Attachment>();
  #worker: Worker | undefined;
  #lastMount = 0;
  #restarts = 0;

  constructor(log: Logger, options: { readonly maxWorkerRestarts: number }) {
    this.#log = log;
    this.#maxRestarts = options.maxWorkerRestarts;
  }

  /** Opens the image in the completer's thread. Rejects with `system` when that fails. */
  async attach(image: ServedImage): Promise<CompleterMount> {
    const mount = ++this.#lastMount;
    const attachment: Attachment = {
      image,
      attached: Promise.withResolvers(),
      detached: Promise.withResolvers(),
      reads: new Map(),
      leaving: false,
    };
    this.#mounts.set(mount, attachment);
    this.#send({ kind: 'attach', mount, image });
    try {
      await attachment.attached.promise;
    } catch (error) {
      this.#mounts.delete(mount);
      throw error;
    }
    return { serve: read => this.#serve(mount, attachment, read), detach: () => this.#detach(mount, attachment) };
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#mounts.clear();
    const order: CompleterOrder = { kind: 'end' };
    if (worker !== undefined) await endWorker(worker, order);
  }

  #serve(mount: number, attachment: Attachment, read: MissedRead): Promise<boolean> {
    if (!this.#mounts.has(mount)) return Promise.reject(new ShoalError('internal', 'completer: mount not attached'));
    const result = Promise.withResolvers<boolean>();
    attachment.reads.set(keyOf(read), result);
    this.#send({ kind: 'serve', mount, read });
    return result.promise;
  }

  #detach(mount: number, attachment: Attachment): Promise<void> {
    if (!this.#mounts.has(mount)) return Promise.resolve();
    attachment.leaving = true;
    this.#send({ kind: 'detach', mount });
    return attachment.detached.promise;
  }

  #send(order: CompleterOrder): void {
    this.#worker ??= this.#hire();
    this.#worker.postMessage(order);
  }

  #hire(): Worker {
    const worker = new Worker(siblingScript(import.meta.url, 'completer-worker'));
    worker.unref();
    worker.on('message', (report: CompleterReport) => this.#receive(report));
    worker.on('error', error => this.#log.error('completer failed', { error: error.message }));
    worker.on('exit', code => this.#bury(worker, code));
    return worker;
  }

  #receive(report: CompleterReport): void {
    const attachment = this.#mounts.get(report.mount);
    if (attachment === undefined) return;
    switch (report.kind) {
      case 'attached':
        if (report.failure === undefined) attachment.attached.resolve();
        else {
          // In `attach` somebody is told; when it moves to a new thread nobody is.
          this.#log.error('completer can not serve a mount', { error: report.failure });
          this.#fail(report.mount, attachment, new ShoalError('system', `completer: ${report.failure}`));
        }
        break;
      case 'detached':
        this.#fail(report.mount, attachment, new ShoalError('aborted', 'the mount ends'));
        break;
      case 'served': {
        const key = keyOf(report.read);
        attachment.reads.get(key)?.resolve(!report.missed);
        attachment.reads.delete(key);
        break;
      }
      case 'warning':
        this.#log.warn('read failed', { error: report.message });
    }
  }

  /** The mount is not served here any more. */
  #fail(mount: number, attachment: Attachment, error: ShoalError): void {
    this.#mounts.delete(mount);
    attachment.attached.reject(error);
    attachment.detached.resolve();
    for (const read of attachment.reads.values()) read.reject(error);
    attachment.reads.clear();
  }

  /** What it held is answered with an error: it may have died of exactly that. All mounts move to a new thread. */
  #bury(worker: Worker, exitCode: number): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const failure = new ShoalError('internal', `completer ended with code ${exitCode}`);
    const moving = ++this.#restarts <= this.#maxRestarts;
    const fields = { exitCode, restarts: this.#restarts };
    if (moving) this.#log.error('completer died; it is started anew', fields);
    else this.#log.error('completer dies again and again; reads that have to wait fail from now on', fields);
    for (const [mount, attachment] of [...this.#mounts]) {
      const { attached, image, leaving, reads } = attachment;
      for (const read of reads.values()) read.reject(failure);
      reads.clear();
      attached.reject(failure); // has no effect on one that was attached
      if (leaving || !moving) this.#fail(mount, attachment, failure);
      else this.#send({ kind: 'attach', mount, image });
    }
  }
}

function keyOf(read: MissedRead): string {
  return `${read.uniqueHigh}:${read.uniqueLow}`;
}
