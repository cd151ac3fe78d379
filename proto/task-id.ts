// The name under which schedulers, the DHT, pages and logs know a blob (design §8): it says nothing to who does not know
// the blob's digest already.

import { createHash } from 'node:crypto';
import { type Digest, hexOf, ShoalError } from '../core/index.ts';

declare const taskIdBrand: unique symbol;

/** 64 hex digits that stand for a blob towards those who are not to learn its digest (design §8). */
export type TaskId = string & { readonly [taskIdBrand]: true };

const TASK_PATTERN = /^[0-9a-f]{64}$/;

/** SHA-256("shoal-task" ‖ the 32 bytes of the blob's digest). */
export function taskIdOf(digest: Digest): TaskId {
  const hash = createHash('sha256')
    .update('shoal-task')
    .update(Buffer.from(hexOf(digest), 'hex'));
  return hash.digest('hex') as TaskId;
}

/** Task id from the wire. Throws `malformed`. */
export function taskIdFromBytes(bytes: Uint8Array): TaskId {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  if (!TASK_PATTERN.test(hex)) throw new ShoalError('malformed', `task id of ${bytes.length} bytes: expected 32`);
  return hex as TaskId;
}
