// Errors on their way between threads: classes do not survive the journey, codes and messages do, and the stack of a bug.

import { messageOf, ShoalError } from '../core/index.ts';
import type { Failure } from './messages.ts';

export function failureOf(error: unknown): Failure {
  if (error instanceof ShoalError && error.code !== 'internal') {
    return { kind: 'failed', code: error.code, message: error.message };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { kind: 'failed', code: 'internal', message: messageOf(error), stack };
}

export function errorOf(failure: Failure): ShoalError {
  const error = new ShoalError(failure.code, failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
