// The one table from error codes to exit codes; docs/exit-codes.md shows it and a test compares the two.

import { type ErrorCode, messageOf, ShoalError } from '../core/index.ts';

/** Numbers of sysexits(3) where one fits, so that scripts and systemd can tell cases apart. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 64,
  malformed: 65,
  'digest-mismatch': 65,
  'not-found': 66,
  unsupported: 67,
  unreachable: 68,
  unavailable: 69,
  internal: 70,
  system: 71,
  limit: 72,
  'no-space': 73,
  timeout: 74,
  busy: 75,
  unauthorized: 77,
  aborted: 130,
};

/** The error that another process of ours ended with; undefined for a code that none has. */
export function errorCodeOf(exitCode: number): ErrorCode | undefined {
  const entries = Object.entries(EXIT_CODES) as [ErrorCode, number][]; // its keys are the error codes
  return entries.find(([, code]) => code === exitCode)?.[0];
}

/** What the user is told, and the exit code. A stack trace only for our own bugs. */
export function errorReport(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof ShoalError && error.code !== 'internal') {
    return { text: error.message, exitCode: EXIT_CODES[error.code] };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { text: `internal error, please report it: ${stack ?? messageOf(error)}`, exitCode: EXIT_CODES.internal };
}
