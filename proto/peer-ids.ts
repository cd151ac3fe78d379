// Peer ids between their two forms: text in memory, logs and on the command line, bytes on the wire. Every node of Shoal
// has an Ed25519 key, and such a peer id is the key itself with six bytes before it.

import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { ShoalError } from '../core/index.ts';

/** Multihash "identity" of 36 bytes; in it a protobuf: key type 1 (Ed25519), 32 bytes of key. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const KEY_BYTES = 32;
export const PEER_ID_BYTES = PREFIX.length + KEY_BYTES;

/** The bytes of a peer id. Throws `usage` when the text is none, or of a key that is not Ed25519. */
export function peerIdToBytes(text: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = peerIdFromString(text).toMultihash().bytes;
  } catch {
    // said below
  }
  if (bytes !== undefined && isPeerId(bytes)) return bytes;
  throw new ShoalError('usage', `${JSON.stringify(text.slice(0, 100))} is no peer id, which looks like 12D3KooW…`);
}

/** A peer id from the wire, as text. Throws `malformed`. */
export function peerIdFromBytes(bytes: Uint8Array): string {
  if (!isPeerId(bytes)) {
    throw new ShoalError(
      'malformed',
      `peer id of ${bytes.length} bytes: expected ${PEER_ID_BYTES}, those of an Ed25519 key`,
    );
  }
  return peerIdFromPublicKey(publicKeyFromRaw(bytes.slice(PREFIX.length))).toString();
}

function isPeerId(bytes: Uint8Array): boolean {
  return bytes.length === PEER_ID_BYTES && PREFIX.every((byte, at) => bytes[at] === byte);
}
