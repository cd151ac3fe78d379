// Error codes as they come back over a pipe or a socket.

import type { ErrorCode } from '../core/index.ts';

const CODES: Readonly<Record<ErrorCode, true>> = {
  usage: true,
  'not-found': true,
  unauthorized: true,
  unreachable: true,
  unavailable: true,
  timeout: true,
  aborted: true,
  'digest-mismatch': true,
  malformed: true,
  unsupported: true,
  busy: true,
  'no-space': true,
  system: true,
  limit: true,
  internal: true,
};

/** A code we don't know (another release's) becomes `internal`. */
export function parseErrorCode(text: string): ErrorCode {
  return isErrorCode(text) ? text : 'internal';
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CODES, text);
}
