// A child that speaks /shoal/pieces/1 by hand, so that it can say what no honest one says.

import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Digest } from '../../core/index.ts';
import type { MemberNode, PeerAddress } from '../../peer/index.ts';
import { CHILD_BOUNDS, childCodec, proofOf } from '../../peer/transport/pieces-protocol.ts';
import {
  type ChildMessageProperties,
  MessageStream,
  type ParentMessageProperties,
  PIECES_PROTOCOL,
  taskIdOf,
} from '../../proto/index.ts';

export interface KnownBlob {
  readonly digest: Digest;
  readonly pieceCount: number;
}

export interface RawChild {
  readonly wire: MessageStream<ChildMessageProperties, ParentMessageProperties>;
  readonly stream: Stream;
  readonly got: ParentMessageProperties[];
  /** Why the stream ended. */
  readonly ended: Promise<string>;
  /** With the right proof, unless another is given. */
  open(blob: KnownBlob, options?: { readonly handle?: number; readonly proof?: Uint8Array }): void;
}

/** For the caller to abort the stream. Rejects when the parent does not take it. */
export async function rawChild(child: MemberNode, { peerId, addresses }: PeerAddress): Promise<RawChild> {
  const connection = await child.libp2p.dial(multiaddr(addresses[0] ?? ''));
  const stream = await connection.newStream(PIECES_PROTOCOL);
  const got: ParentMessageProperties[] = [];
  const end = Promise.withResolvers<string>();
  const wire = new MessageStream<ChildMessageProperties, ParentMessageProperties>(stream, childCodec, CHILD_BOUNDS, {
    onMessage: message => got.push(message),
    onEnd: error => end.resolve(error?.message ?? 'closed'),
  });
  return {
    wire,
    stream,
    got,
    ended: end.promise,
    open: ({ digest, pieceCount }, { handle = 1, proof = proofOf(digest, child.peerId, peerId) } = {}) =>
      wire.send({ open: { handle, taskId: Buffer.from(taskIdOf(digest), 'hex'), proof, pieceCount } }),
  };
}
