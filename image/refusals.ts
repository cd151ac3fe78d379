// The two ways in which this folder says no.

import { ShoalError } from '../core/index.ts';

/** The bytes are not what they claim to be. */
export function malformed(message: string): ShoalError {
  return new ShoalError('malformed', message);
}

/** The bytes are well-formed, but of a kind that Shoal does not do. */
export function unsupported(message: string): ShoalError {
  return new ShoalError('unsupported', message);
}
