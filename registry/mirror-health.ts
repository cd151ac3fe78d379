// Which mirrors are worth asking right now. One that fails is left alone for a while, so that a dead mirror costs each
// image a few seconds once, not at every request; what it merely does not have is remembered for that image only.

import { LRUCache } from 'lru-cache';
import type { Clock, ShoalError } from '../core/index.ts';

const FIRST_PAUSE_MS = 10_000;
/** How long a mirror that is back may go unused. */
const MAX_PAUSE_MS = 120_000;
const MAX_ENTRIES = 1024;

interface Trouble {
  readonly failures: number;
  /** On the monotonic clock. */
  readonly until: number;
}

/** A repository at a mirror. */
export interface MirrorPlace {
  readonly origin: string;
  readonly repository: string;
}

export class MirrorHealth {
  readonly #clock: Clock;
  readonly #troubles = new LRUCache<string, Trouble>({ max: MAX_ENTRIES });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long it should still be left alone, milliseconds; 0: ask it. */
  pauseMs(place: MirrorPlace): number {
    const now = this.#clock.monotonic();
    const until = keysOf(place).map(key => this.#troubles.get(key)?.until ?? 0);
    return Math.max(0, ...until.map(time => time - now));
  }

  worked(place: MirrorPlace): void {
    for (const key of keysOf(place)) this.#troubles.delete(key);
  }

  failed(place: MirrorPlace, error: ShoalError): void {
    const [host, image] = keysOf(place);
    // Not there, or not for us: that tells about this image. Everything else, wrong bytes too, tells about the mirror.
    const key = error.code === 'not-found' || error.code === 'unauthorized' ? image : host;
    const known = this.#troubles.get(key);
    const now = this.#clock.monotonic();
    // Requests that were under way when it began to fail say nothing new.
    if (known && known.until > now) return;
    const failures = (known?.failures ?? 0) + 1;
    const step = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    this.#troubles.set(key, { failures, until: now + Math.min(MAX_PAUSE_MS, Math.max(step, error.retryAfterMs ?? 0)) });
  }
}

function keysOf({ origin, repository }: MirrorPlace): [host: string, image: string] {
  return [origin, `${origin} ${repository}`];
}
