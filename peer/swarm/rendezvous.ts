// Who fetches a piece from the origin when no scheduler says so: every node puts the peers that it knows into the same
// order for a piece, and asks the first. Pure.

import { hash } from 'node:crypto';
import type { TaskId } from '../../proto/index.ts';

/** The peers, first choice first: by SHA-256(32 bytes of the task id ‖ piece as u32, big endian ‖ peer id as text). */
export function ownersOf(taskId: TaskId, piece: number, peers: readonly string[]): string[] {
  const head = Buffer.alloc(36);
  head.write(taskId, 'hex');
  head.writeUInt32BE(piece, 32);
  return peers
    .map(peer => ({ peer, rank: hash('sha256', Buffer.concat([head, Buffer.from(peer)]), 'hex') }))
    .sort((a, b) => (a.rank < b.rank ? 1 : -1))
    .map(({ peer }) => peer);
}
