// The one table from error codes to exit codes; docs/exit-codes.md shows it and a test compares the two.

import type { ErrorCode } from '../core/index.ts';

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
