// How long to wait after failures. Pure: chance is an argument.

import type { ErrorCode, ShoalError } from '../../core/index.ts';
import type { BackoffPolicy, FetchLimits } from '../config.ts';

/**
 * Milliseconds to wait after the given number of failures in a row (at least 1). Half of the exponential step is
 * certain, half is chance in [0, 1): nodes that failed together do not come back together.
 */
export function backoffMs(policy: BackoffPolicy, failures: number, chance: number): number {
  const step = Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.max(0, failures - 1));
  return step / 2 + (step / 2) * chance;
}

/** Failures of the source as a whole: what fails now would fail for every other chunk as well. */
const SOURCE_CODES: ReadonlySet<ErrorCode> = new Set(['unreachable', 'unavailable', 'timeout', 'unauthorized']);

/** Does this error tell something about the source (then it is probed gently), or only about the chunk? */
export function blamesSource(error: ShoalError): boolean {
  return SOURCE_CODES.has(error.code);
}

/** The wait after an error: by what can heal it, and never shorter than a server asked for (within reason). */
export function retryDelayMs(error: ShoalError, failures: number, chance: number, limits: FetchLimits): number {
  const policy = error.retryable ? limits.transientBackoff : limits.persistentBackoff;
  return Math.max(backoffMs(policy, failures, chance), Math.min(error.retryAfterMs ?? 0, limits.maxRetryAfterMs));
}
