// For a test that judges what crosses the network: every byte of a connection before encryption and after decryption.
// Nothing of it is active in a node that is not told to.

import type { MessageStream } from '@libp2p/interface';

export interface RecordedBytes {
  /** The other end. */
  readonly peerId: string;
  /** Tells the connections of this process apart: two may be with the same peer. */
  readonly connection: number;
  readonly direction: 'sent' | 'received';
  /** A copy: as the encryption gets it, framed by the muxer. */
  readonly bytes: Uint8Array;
}

export type RecordBytes = (recorded: RecordedBytes) => void;

let connections = 0;

/** Watches a secured connection in place. */
export function recordConnection(connection: MessageStream, peerId: string, record: RecordBytes): void {
  const number = ++connections;
  const send = connection.send.bind(connection);
  connection.send = data => {
    record({ peerId, connection: number, direction: 'sent', bytes: copyOf(data) });
    return send(data);
  };
  // Not a listener: a connection gives its bytes to whoever listens first, and the muxer comes later.
  const dispatch = connection.dispatchEvent.bind(connection);
  connection.dispatchEvent = event => {
    if (event.type === 'message' && 'data' in event && isBytes(event.data)) {
      record({ peerId, connection: number, direction: 'received', bytes: copyOf(event.data) });
    }
    return dispatch(event);
  };
}

type Bytes = Uint8Array | Iterable<Uint8Array>;

function isBytes(data: unknown): data is Bytes {
  return typeof data === 'object' && data !== null && Symbol.iterator in data;
}

function copyOf(data: Bytes): Uint8Array {
  return data instanceof Uint8Array ? Uint8Array.from(data) : new Uint8Array(Buffer.concat([...data]));
}
