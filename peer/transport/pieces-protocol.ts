// What both ends of /shoal/pieces/1 agree about: bounds, the proof that a child knows the blob, lanes and places on the wire.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ChunkPlace, type Digest, hexOf, type Lane, PIECE_BYTES, ShoalError } from '../../core/index.ts';
import {
  ChildMessage,
  type ChildMessageProperties,
  type MessageBounds,
  type MessageCodec,
  ParentMessage,
  type ParentMessageProperties,
  peerIdToBytes,
  WireLane,
} from '../../proto/index.ts';

/** Tasks that a child may have open on one stream. */
export const MAX_OPEN_TASKS = 1024;
/** Numbers of pieces in one message: at most five bytes each. */
export const MAX_PIECES_IN_MESSAGE = 8192;
/** Chunks that a child may wait for on one stream. */
export const MAX_CHUNK_REQUESTS = 64;
/** RAFS has chunks of up to 16 MiB. */
export const MAX_CHUNK_BYTES = 16 << 20;
/** A message must be whole this long after its first byte: 64 KiB of a piece at 2 KB/s. */
export const WHOLE_MESSAGE_MS = 30_000;
/** A parent that owes something says so at least this often; a child gives up when it hears nothing for much longer. */
export const SIGN_OF_LIFE_MS = 2_000;
export const SILENCE_MS = 10_000;

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_CHILD_MESSAGE_BYTES = 64 * KIB;
/** Two bitmaps of 2^24 pieces. */
const MAX_PARENT_MESSAGE_BYTES = 4 * MIB + 64 * KIB;

export const CHILD_BOUNDS: MessageBounds = {
  maxMessageBytes: MAX_PARENT_MESSAGE_BYTES,
  maxBodyBytes: PIECE_BYTES,
  // Requests are small; a parent that takes none of them for so long is of no use.
  maxUnsentBytes: 2 * MIB,
};

export const PARENT_BOUNDS: MessageBounds = {
  maxMessageBytes: MAX_CHILD_MESSAGE_BYTES,
  maxBodyBytes: 0,
  // Nothing is added while the network does not take what there is, so this is one message and a piece for each slot.
  maxUnsentBytes: 2 * MAX_PARENT_MESSAGE_BYTES,
};

export const childCodec: MessageCodec<ChildMessageProperties, ParentMessageProperties> = {
  encode: message => ChildMessage.encode(message).finish(),
  decode: bytes => ParentMessage.decode(bytes),
  bodyLength: ({ kind, piece, chunk }) =>
    (kind === 'piece' ? piece?.length : kind === 'chunk' ? chunk?.length : undefined) ?? 0,
};

export const parentCodec: MessageCodec<ParentMessageProperties, ChildMessageProperties> = {
  encode: message => ParentMessage.encode(message).finish(),
  decode: bytes => ChildMessage.decode(bytes),
  bodyLength: () => 0,
};

/** HMAC over both peer ids, keyed with the blob's digest: of no use to another child or at another parent. */
export function proofOf(digest: Digest, child: string, parent: string): Uint8Array {
  return createHmac('sha256', Buffer.from(hexOf(digest), 'hex'))
    .update('shoal-open')
    .update(peerIdToBytes(child))
    .update(peerIdToBytes(parent))
    .digest();
}

/** In constant time. */
export function isProof(proof: Uint8Array, digest: Digest, child: string, parent: string): boolean {
  const expected = proofOf(digest, child, parent);
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

const LANE_NUMBERS = {
  demand: WireLane.LANE_DEMAND,
  trace: WireLane.LANE_TRACE,
  background: WireLane.LANE_BACKGROUND,
} as const satisfies Record<Lane, number>;

export function laneToWire(lane: Lane) {
  return LANE_NUMBERS[lane];
}

/** What a later version may call a lane is background to this one. */
export function laneFromWire(lane: number | null | undefined): Lane {
  if (lane === WireLane.LANE_DEMAND) return 'demand';
  return lane === WireLane.LANE_TRACE ? 'trace' : 'background';
}

export function placeToWire({ offset }: ChunkPlace) {
  return { piece: Math.floor(offset / PIECE_BYTES), within: offset % PIECE_BYTES };
}

/** Where in the blob, bytes. Throws `malformed` unless it is in one of `pieceCount` pieces. */
export function offsetFromWire(
  place: { readonly piece?: number | null; readonly within?: number | null } | null | undefined,
  pieceCount: number,
): number {
  const piece = place?.piece ?? 0;
  const within = place?.within ?? 0;
  if (piece < pieceCount && within < PIECE_BYTES) return piece * PIECE_BYTES + within;
  throw new ShoalError('malformed', `chunk ${within} bytes into piece ${piece}: the blob has ${pieceCount} pieces`);
}

/** Most bytes of a zstd frame of so many: stored blocks, their headers and the frame's. */
export function maxPackedBytes(uncompressed: number): number {
  return uncompressed + (uncompressed >> 7) + 1024;
}
