// Errors on their way between threads: classes do not survive the journey, codes and messages do.

import { messageOf, ShoalError } from '../core/index.ts';
import type { Failure } from './messages.ts';

export function failureOf(error: unknown): Failure {
  const code = error instanceof ShoalError ? error.code : 'internal';
  return { kind: 'failed', code, message: messageOf(error) };
}

export function errorOf(failure: Failure): ShoalError {
  return new ShoalError(failure.code, failure.message);
}
