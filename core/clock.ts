// Time and chance as a port, so that back-off, expiry and hedging are tested in milliseconds of real time.
// This file is the only place that reads the system clock or system randomness for a decision.

import { ShoalError } from './errors.ts';

/**
 * Contract, checked by test/conformance/clock.ts:
 * - `now` is wall time in milliseconds since 1970; `monotonic` never goes back and has no defined origin.
 * - `sleep` resolves no earlier than `ms` later on the same clock. When the signal fires (also when it already has),
 *   it rejects at once with code `aborted` and leaves no timer behind. Any number of sleeps may run at once.
 * - `random` is uniform in [0, 1).
 */
export interface Clock {
  now(): number;
  monotonic(): number;
  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep(ms, options) {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortedError(signal));
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        if (signal) reject(abortedError(signal));
      };
      // The timer may fire up to a millisecond early on the monotonic clock; the contract says no earlier.
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, Math.ceil(ms) + 1);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};

/** Like AbortSignal.timeout; what it rejects with says what was waited for: `WHAT within MS ms`. */
export function deadline(ms: number, what: string): AbortSignal {
  const passed = new AbortController();
  setTimeout(() => passed.abort(new ShoalError('timeout', `${what} within ${ms} ms`)), ms).unref();
  return passed.signal;
}

/**
 * Why a wait that nobody asks about is over. Without a reason each `abort()` makes an error with a stack trace of its own,
 * and so does each `abortedError`: for the waits of every chunk that was a twentieth of a busy daemon's time.
 */
export const OVER = new ShoalError('aborted', 'aborted');

/** The error for a fired signal: its reason when that is ours, else `aborted`. */
export function abortedError(signal: AbortSignal): ShoalError {
  if (signal.reason instanceof ShoalError) return signal.reason;
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return new ShoalError(timedOut ? 'timeout' : 'aborted', timedOut ? 'deadline passed' : 'aborted', {
    cause: signal.reason,
  });
}
