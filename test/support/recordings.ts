// What a process with recorded-process.ts has written down, put together again: connections, their greetings, and the
// streams of each with their protocols. Reads yamux frames and multistream's lines itself, so that what is searched is what
// was said, and not that with a frame's header in the middle.

import { readFile } from 'node:fs/promises';
import type { RecordedBytes } from '../../peer/index.ts';

type Direction = RecordedBytes['direction'];
type Both = Record<Direction, Buffer>;

export interface RecordedStream extends Both {
  readonly peerId: string;
  readonly protocol: string;
  /** Who opened it: `sent` is this process. */
  readonly openedBy: Direction;
}

export interface RecordedConnection {
  readonly peerId: string;
  /** Introductions and verdicts. */
  readonly greeting: Both;
  readonly streams: readonly RecordedStream[];
  /** Everything as it was recorded, frames of the muxer and all. */
  readonly raw: Both;
}

const FRAME_HEADER_BYTES = 12;
const DATA_FRAME = 0;
const SYN = 1;
const GREETINGS = 2;
const MULTISTREAM = '/multistream/1.0.0';

export async function readRecording(path: string): Promise<RecordedConnection[]> {
  const connections = new Map<number, { peerId: string; sent: Buffer[]; received: Buffer[] }>();
  for (const line of (await readFile(path, 'utf8')).trim().split('\n')) {
    const { peerId, connection, direction, bytes } = JSON.parse(line) as Omit<RecordedBytes, 'bytes'> & {
      readonly bytes: string;
    };
    const entry = connections.get(connection) ?? { peerId, sent: [], received: [] };
    connections.set(connection, entry);
    entry[direction].push(Buffer.from(bytes, 'base64'));
  }
  return [...connections.values()].map(({ peerId, sent, received }) =>
    connectionOf(peerId, { sent: Buffer.concat(sent), received: Buffer.concat(received) }),
  );
}

/** Messages with a `u32` length in front; `bodyOf` says how many raw bytes follow one. The last may be cut off. */
export function* framedMessages(
  bytes: Buffer,
  bodyOf: (message: Buffer) => number,
): Generator<{ readonly message: Buffer; readonly body: Buffer }> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return;
    const message = bytes.subarray(at + 4, end);
    at = end + bodyOf(message);
    if (at > bytes.length) return;
    yield { message, body: bytes.subarray(end, at) };
  }
}

function connectionOf(peerId: string, raw: Both): RecordedConnection {
  const lengths = { sent: greetingLength(raw.sent), received: greetingLength(raw.received) };
  const greeting = {
    sent: raw.sent.subarray(0, lengths.sent),
    received: raw.received.subarray(0, lengths.received),
  };
  const streams = new Map<number, { openedBy: Direction; sent: Buffer[]; received: Buffer[] }>();
  for (const direction of ['sent', 'received'] as const) {
    const muxed = raw[direction].subarray(lengths[direction]);
    for (const { stream, flags, data } of frames(muxed.subarray(negotiationLength(muxed)))) {
      const entry = streams.get(stream) ?? { openedBy: direction, sent: [], received: [] };
      streams.set(stream, entry);
      if (flags & SYN) entry.openedBy = direction;
      if (data !== undefined) entry[direction].push(data);
    }
  }
  const known = [...streams.values()].flatMap(({ openedBy, sent, received }) => {
    const bytes = { sent: Buffer.concat(sent), received: Buffer.concat(received) };
    const opening = bytes[openedBy];
    if (opening.length === 0) return []; // opened, and nothing said
    const other = openedBy === 'sent' ? 'received' : 'sent';
    const [, protocol = ''] = linesOf(opening);
    return [
      {
        peerId,
        protocol,
        openedBy,
        ...bytes,
        [openedBy]: opening.subarray(negotiationLength(opening)),
        [other]: bytes[other].subarray(negotiationLength(bytes[other])),
      },
    ];
  });
  return { peerId, greeting, streams: known, raw };
}

function greetingLength(bytes: Buffer): number {
  let at = 0;
  for (let n = 0; n < GREETINGS && at + 4 <= bytes.length; n++) at += 4 + bytes.readUInt32BE(at);
  return Math.min(at, bytes.length);
}

/** The two lines by which both sides agree about a protocol; none where the encryption has carried that. */
function linesOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  // A line is shorter than 128 bytes: its length is one byte.
  for (let at = 0; lines.length < 2 && at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    const line = bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)).toString('latin1');
    if (lines.length === 0 && line !== `${MULTISTREAM}\n`) break;
    lines.push(line.trimEnd());
  }
  return lines;
}

function negotiationLength(bytes: Buffer): number {
  return linesOf(bytes).reduce((sum, line) => sum + 2 + line.length, 0);
}

function* frames(bytes: Buffer) {
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; ) {
    if (bytes[at] !== 0) throw new Error(`no frame of yamux: ${bytes.subarray(at, at + 40).toString('hex')}`);
    const type = bytes[at + 1];
    const flags = bytes.readUInt16BE(at + 2);
    const stream = bytes.readUInt32BE(at + 4);
    const length = type === DATA_FRAME ? bytes.readUInt32BE(at + 8) : 0;
    const from = at + FRAME_HEADER_BYTES;
    at = from + length;
    // Stream 0 is the session itself.
    if (stream !== 0) yield { stream, flags, data: type === DATA_FRAME ? bytes.subarray(from, at) : undefined };
  }
}
