// How messages between nodes and schedulers are put into bytes, and how long they may be (docs/protocol.md). A length is
// checked before anything is allocated; what a message unpacks to is bounded, too: of a long one, which may hold bitmaps
// only, the fields are counted before they are decoded.

import { Reader } from 'protobufjs/minimal.js';
import { MAX_PIECES, ShoalError } from '../core/index.ts';
import type { MessageCodec } from './message-stream.ts';
import {
  NodeMessage,
  type NodeMessageProperties,
  SchedulerMessage,
  type SchedulerMessageProperties,
} from './messages.ts';

/** Of messages without bitmaps. Packed, a message of so many bytes unpacks to a few MB at most. */
export const MAX_SHORT_MESSAGE_BYTES = 64 << 10;
/** Of `JoinTask` and `Parents`: two bitmaps of the largest blob, and the addresses of 32 parents. */
export const MAX_SCHEDULER_MESSAGE_BYTES = 2 * (MAX_PIECES / 8) + 4 * MAX_SHORT_MESSAGE_BYTES;

/** Fields of a long message, those of the messages in it counted too. A node has 32 parents with 16 addresses each. */
const MAX_FIELDS = 4096;

/** Of `join` in NodeMessage, of `parents` in SchedulerMessage, and of `add` in Parents. */
const LONG_FIELD = 2;
const LENGTH_DELIMITED = 2;

/** For the node's end of the stream. */
export const nodeCodec: MessageCodec<NodeMessageProperties, SchedulerMessageProperties> = {
  encode: message => NodeMessage.encode(message).finish(),
  decode(bytes) {
    refuseBloated(bytes, 2);
    return SchedulerMessage.decode(bytes);
  },
  bodyLength: () => 0,
};

/** For the scheduler's end. */
export const schedulerCodec: MessageCodec<SchedulerMessageProperties, NodeMessageProperties> = {
  encode: message => SchedulerMessage.encode(message).finish(),
  decode(bytes) {
    refuseBloated(bytes, 1);
    return NodeMessage.decode(bytes);
  },
  bodyLength: () => 0,
};

/** `depth`: how many messages lie in each other where the bitmaps are. Throws `malformed`. */
function refuseBloated(bytes: Uint8Array, depth: number): void {
  if (bytes.length <= MAX_SHORT_MESSAGE_BYTES) return;
  const reader = Reader.create(bytes);
  let fields = 0;
  const count = (end: number, below: number, isOuter: boolean) => {
    while (reader.pos < end) {
      const tag = reader.tag();
      if (++fields > MAX_FIELDS) throw new ShoalError('malformed', `message of more than ${MAX_FIELDS} fields`);
      const [field, wireType] = [tag >>> 3, tag & 7];
      if (below > 0 && field === LONG_FIELD && wireType === LENGTH_DELIMITED) {
        const length = reader.uint32();
        if (length > end - reader.pos) throw new ShoalError('malformed', 'message is cut off');
        count(reader.pos + length, below - 1, false);
      } else if (isOuter) {
        throw new ShoalError(
          'malformed',
          `message of ${bytes.length} bytes: of its kind at most ${MAX_SHORT_MESSAGE_BYTES}`,
        );
      } else {
        reader.skipType(wireType, 0, field);
      }
    }
  };
  count(bytes.length, depth, true);
}
