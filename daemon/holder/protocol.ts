// What a daemon and its holder say to each other: one question of a fixed size for each connection, with descriptors, and
// one answer. It has a version, and is meant never to need another.

import { ShoalError } from '../../core/index.ts';

export const HOLDER_SOCKET = 'holder.sock';
export const HOLDER_VERSION = 1;

/** `SHLH`, little-endian. */
const MAGIC = 0x484c4853;

/** Also of an answer. Little-endian: magic, version, operation or result, id, device's minor, count. */
export const MESSAGE_BYTES = 32;
const AT = { MAGIC: 0, VERSION: 4, WHAT: 6, ID: 8, DEVICE: 16, COUNT: 20 } as const;

export const Ask = {
  /** The connection stays, and says by that that a daemon is there. */
  ATTACH: 1,
  /** Descriptors of a mount's connection, more with each question; the first of all is the one that was mounted. */
  HOLD: 2,
  /** The number of the connection that these descriptors are of. */
  DEVICE: 3,
  /** Copies of all descriptors of a mount. */
  TAKE: 4,
  /** The mount is gone: its descriptors are closed. */
  FORGET: 5,
  /** Whose descriptors it has: the ids follow the answer. */
  LIST: 6,
} as const;

export type Ask = (typeof Ask)[keyof typeof Ask];

export const Result = { DONE: 0, UNKNOWN: 1, FULL: 2, REFUSED: 3 } as const;
export type Result = (typeof Result)[keyof typeof Result];

/** Ids behind an answer. */
export const ID_BYTES = 8;
export const MAX_MOUNTS = 4096;

export interface HolderMessage {
  /** An `Ask` or a `Result`. */
  readonly what: number;
  /** 16 hex digits. */
  readonly id: string;
  /** The minor number of an anonymous device; 0: not known. */
  readonly device: number;
  readonly count: number;
}

export const NO_ID = '0'.repeat(2 * ID_BYTES);

export function encodeMessage({ what, id = NO_ID, device = 0, count = 0 }: Partial<HolderMessage>): Buffer {
  const bytes = Buffer.alloc(MESSAGE_BYTES);
  bytes.writeUInt32LE(MAGIC, AT.MAGIC);
  bytes.writeUInt16LE(HOLDER_VERSION, AT.VERSION);
  bytes.writeUInt16LE(what ?? 0, AT.WHAT);
  bytes.write(id, AT.ID, 'hex');
  bytes.writeUInt32LE(device, AT.DEVICE);
  bytes.writeUInt32LE(count, AT.COUNT);
  return bytes;
}

/** Throws `malformed`, and `unsupported` for another version's. */
export function decodeMessage(bytes: Buffer): HolderMessage {
  if (bytes.length < MESSAGE_BYTES || bytes.readUInt32LE(AT.MAGIC) !== MAGIC) {
    throw new ShoalError('malformed', `holder: ${bytes.length} bytes that are no message`);
  }
  const version = bytes.readUInt16LE(AT.VERSION);
  if (version !== HOLDER_VERSION) {
    throw new ShoalError('unsupported', `holder: version ${version} of its protocol; this one knows ${HOLDER_VERSION}`);
  }
  return {
    what: bytes.readUInt16LE(AT.WHAT),
    id: bytes.toString('hex', AT.ID, AT.ID + ID_BYTES),
    device: bytes.readUInt32LE(AT.DEVICE),
    count: bytes.readUInt32LE(AT.COUNT),
  };
}
