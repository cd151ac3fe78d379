// A thread of a conversion, seen from the main thread: messages out, messages and failures in.

import { Worker } from 'node:worker_threads';
import { messageOf, ShoalError, siblingScript } from '../core/index.ts';
import { THREAD_YOUNG_GENERATION_MB } from './config.ts';
import { errorOf } from './failure.ts';
import type { Failure } from './messages.ts';

export type ThreadName = 'layer-thread' | 'compress-thread' | 'blob-thread';

export interface ThreadEvents<Out> {
  onMessage(message: Exclude<Out, Failure>): void;
  /** The thread said that it failed, or it crashed. Never called after `stop`. */
  onFailure(error: ShoalError): void;
}

/** Runs from construction to `stop`. */
export class WorkerThread<In, Out extends { readonly kind: string }> {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #isStopped = false;

  constructor(name: ThreadName, setup: unknown, events: ThreadEvents<Out>) {
    this.#worker = new Worker(siblingScript(import.meta.url, name), {
      workerData: setup,
      name,
      resourceLimits: { maxYoungGenerationSizeMb: THREAD_YOUNG_GENERATION_MB },
    });
    this.#worker.on('message', (message: Out | Failure) => {
      if (this.#isStopped) return;
      if (isFailure(message)) events.onFailure(errorOf(message));
      else events.onMessage(message as Exclude<Out, Failure>); // isFailure took the failures out
    });
    const crashed = (how: string, cause?: unknown) => {
      if (!this.#isStopped) events.onFailure(new ShoalError('internal', `${name} ${how}`, { cause }));
    };
    this.#worker.on('error', error => crashed(`crashed: ${messageOf(error)}`, error));
    this.#worker.on('exit', code => crashed(`ended by itself with code ${code}`));
    this.#ended = new Promise(resolve => {
      this.#worker.once('exit', () => resolve());
    });
  }

  post(message: In, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Ends the thread, whatever it is doing; resolves when it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#worker.terminate();
  }

  /** Asks the thread to end by itself, for threads that must not be interrupted; resolves when it is gone. Idempotent. */
  async askToStop(message: In): Promise<void> {
    this.#isStopped = true;
    this.#worker.postMessage(message);
    await this.#ended;
  }
}

function isFailure(message: { readonly kind: string }): message is Failure {
  return message.kind === 'failed';
}
