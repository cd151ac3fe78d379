// When to try again and how long to wait. The loop is p-retry's; the waiting goes through the clock port.

import pRetry from 'p-retry';
import type { Clock } from '../core/index.ts';
import { abortedError, isShoalError } from '../core/index.ts';

/** Tries in all. With the waits below, a registry that restarts within about four seconds goes unnoticed. */
export const MAX_ATTEMPTS = 5;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 8_000;
/** A server that asks for a longer pause is not waited for: the person should know, not wonder. */
const MAX_RETRY_AFTER_MS = 30_000;

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Runs `work` again after errors that say `retryable`. Rejects with the last error, or the caller's abort. */
export async function withRetry<T>(work: () => Promise<T>, { signal, clock }: RetryOptions): Promise<T> {
  return pRetry(work, {
    retries: MAX_ATTEMPTS - 1,
    minTimeout: 0, // p-retry's own wait; ours is in shouldRetry
    shouldRetry: async ({ error, attemptNumber }) => {
      const wait = waitBeforeRetry(error, attemptNumber, clock.random());
      if (wait === undefined) return false;
      await clock.sleep(wait, { signal });
      return true;
    },
  }).catch((error: unknown) => {
    throw signal.aborted ? abortedError(signal) : error;
  });
}

/**
 * Milliseconds to wait after the given failed attempt (from 1), or undefined when another one cannot help. Exponential
 * with full jitter over its upper half, never less than the server asked for.
 */
export function waitBeforeRetry(error: unknown, attempt: number, random: number): number | undefined {
  if (!isShoalError(error) || !error.retryable) return undefined;
  const asked = error.retryAfterMs ?? 0;
  if (asked > MAX_RETRY_AFTER_MS) return undefined;
  const step = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.max(asked, (step / 2) * (1 + random));
}

/**
 * A stream that survives broken connections: after a retryable error, `open(offset)` is called again with the number of
 * bytes passed on so far. Each piece has all attempts anew, so a slow but moving transfer never gives up. Leaving early
 * closes the stream under it.
 */
export async function* resumableStream(
  open: (offset: number) => AsyncIterable<Uint8Array>,
  options: RetryOptions,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let pieces: AsyncIterator<Uint8Array> | undefined;
  const next = async () => {
    pieces ??= open(offset)[Symbol.asyncIterator]();
    try {
      return await pieces.next();
    } catch (error) {
      pieces = undefined;
      throw error;
    }
  };
  try {
    for (;;) {
      const step = await withRetry(next, options);
      if (step.done) return;
      offset += step.value.length;
      yield step.value;
    }
  } finally {
    await pieces?.return?.();
  }
}
