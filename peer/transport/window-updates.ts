// yamux tells the other side after every frame that it may send as much again. For a short message that is one more packet
// to encrypt, to write and to read, a fifth of a scheduler's time. Here such word waits until it is worth a packet; the
// windows are far larger than what is held back, so nobody waits for it.

import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';

/** Held back of one stream at most: a sixteenth of the smallest window (node.ts), and no more than a piece. */
const WORTH_BYTES = 64 << 10;
/** Streams of a connection of which something is held. Streams end without a word here, so that none is kept for long. */
const MAX_STREAMS = 256;

const HEADER_BYTES = 12;
const WINDOW_UPDATE = 1;

type MuxerFactory<Components> = (components: Components) => StreamMuxerFactory;

/** The same muxer, with fewer window updates on the connections that it is given. */
export function withFewerWindowUpdates<Components>(muxer: MuxerFactory<Components>): MuxerFactory<Components> {
  return components => {
    const factory = muxer(components);
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        holdBack(connection);
        return factory.createStreamMuxer(connection);
      },
    };
  };
}

function holdBack(connection: MessageStream): void {
  const send = connection.send.bind(connection);
  const held = new Map<number, number>();
  connection.send = data => {
    const update = data instanceof Uint8Array ? plainUpdate(data) : undefined;
    if (update === undefined) return send(data);
    const stream = update.getUint32(4);
    const bytes = update.getUint32(8) + (held.get(stream) ?? 0);
    if (bytes >= WORTH_BYTES) {
      held.delete(stream);
      update.setUint32(8, bytes);
      return send(data);
    }
    held.set(stream, bytes);
    if (held.size > MAX_STREAMS) {
      for (const [of, much] of held) send(updateOf(of, much));
      held.clear();
    }
    return !connection.writableNeedsDrain;
  };
}

/** A header that is nothing but word of a window: without flags, which open and end streams. */
function plainUpdate(frame: Uint8Array): DataView | undefined {
  if (frame.length !== HEADER_BYTES || frame[1] !== WINDOW_UPDATE || frame[2] !== 0 || frame[3] !== 0) return undefined;
  return new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES);
}

function updateOf(stream: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES);
  frame[1] = WINDOW_UPDATE;
  const view = new DataView(frame.buffer);
  view.setUint32(4, stream);
  view.setUint32(8, bytes);
  return frame;
}
