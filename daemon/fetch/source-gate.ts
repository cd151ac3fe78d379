// Between the engine and one source: lets everything through while the source works; after several failures in a row
// only one probe at a time, at growing intervals, until one succeeds. So two hundred readers that wait for a dead
// registry send it one request every few seconds, and all go on the moment it is back.

import { type Clock, type Logger, OVER, type ShoalError } from '../../core/index.ts';
import type { FetchLimits } from '../config.ts';
import { blamesSource, retryDelayMs } from './backoff.ts';

/** Leave to send one request. Exactly one of its methods must be called when the request is over. */
export interface Permit {
  /** It was given while the gate was shut, for finding out whether the source is back. */
  readonly probe: boolean;
  /** The source answered (whatever it said about this chunk). */
  succeeded(): void;
  failed(error: ShoalError): void;
  /** The request was given up by us: says nothing about the source. */
  dropped(): void;
}

export class SourceGate {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: FetchLimits;
  #failures = 0;
  #probeAt = 0;
  #probing = false;
  #change = Promise.withResolvers<void>();

  constructor(name: string, ports: { readonly clock: Clock; readonly log: Logger }, limits: FetchLimits) {
    this.#name = name;
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#limits = limits;
  }

  /** True while only probes are let through. */
  get shut(): boolean {
    return this.#failures >= this.#limits.failuresToShut;
  }

  /** Leave to send a request now: always while open, for one probe when it is due, else undefined. */
  tryEnter(): Permit | undefined {
    if (!this.shut) return this.#permit(false);
    if (this.#probing || this.#clock.monotonic() < this.#probeAt) return undefined;
    this.#probing = true;
    return this.#permit(true);
  }

  /** Resolves when trying again is worth it: something changed or a probe is due. Also when the signal fires. */
  async change(signal: AbortSignal): Promise<void> {
    const awake = new AbortController();
    const either = AbortSignal.any([signal, awake.signal]);
    const due = this.#probing
      ? aborted(either)
      : this.#clock.sleep(this.#dueInMs(), { signal: either }).catch(() => {});
    await Promise.race([due, this.#change.promise]);
    awake.abort(OVER);
  }

  #dueInMs(): number {
    return Math.max(0, this.#probeAt - this.#clock.monotonic());
  }

  #permit(probe: boolean): Permit {
    let open = true;
    const once = (then: () => void) => () => {
      if (!open) return;
      open = false;
      if (probe) this.#probing = false;
      then();
      this.#announce();
    };
    return {
      probe,
      succeeded: once(() => this.#heal()),
      failed: error => once(() => this.#fail(error, probe))(),
      dropped: once(() => {}),
    };
  }

  #heal(): void {
    if (this.shut) this.#log.info('source answers again', { source: this.#name });
    this.#failures = 0;
  }

  #fail(error: ShoalError, probe: boolean): void {
    if (!blamesSource(error)) {
      this.#heal();
      return;
    }
    // Requests that were under way when the gate shut fail too; they say nothing new and must not prolong the wait.
    if (this.shut && !probe) return;
    // A server that names a time wants to be left alone until then; there is no point in failing more often first.
    const leaveAlone = error.retryAfterMs !== undefined;
    this.#failures = Math.max(this.#failures + 1, leaveAlone ? this.#limits.failuresToShut : 0);
    if (!this.shut) return;
    const delay = retryDelayMs(
      error,
      this.#failures - this.#limits.failuresToShut + 1,
      this.#clock.random(),
      this.#limits,
    );
    this.#probeAt = this.#clock.monotonic() + delay;
    const fields = { source: this.#name, error: error.message, nextProbeMs: Math.round(delay) };
    if (probe) this.#log.debug('source still fails', fields);
    else this.#log.warn('source fails; it is probed until it answers', fields);
  }

  #announce(): void {
    const announced = this.#change;
    this.#change = Promise.withResolvers();
    announced.resolve();
  }
}

/** Resolves when the signal fires. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
