// Word of how much the other side may send waits until it is worth a packet; nothing else waits, and none of it is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';
import { withFewerWindowUpdates } from '../../../peer/transport/window-updates.ts';

const WINDOW_UPDATE = 1;
const ACK = 2;

function frame(type: number, stream: number, length: number, flags = 0): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes[1] = type;
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt32BE(stream, 4);
  bytes.writeUInt32BE(length, 8);
  return bytes;
}

/** A connection as the muxer has it, and what then goes out on it. */
function connected(): { send: (data: Uint8Array) => boolean; sent: string[] } {
  const sent: string[] = [];
  const connection = {
    writableNeedsDrain: false,
    send(data: Uint8Array) {
      const header = Buffer.from(data);
      sent.push(`${header[1]} of ${header.readUInt32BE(4)}: ${header.readUInt32BE(8)}`);
      return true;
    },
  };
  let given: MessageStream | undefined;
  const muxer = {
    protocol: '/test',
    createStreamMuxer: (of: MessageStream) => {
      given = of;
    },
  };
  const factory = withFewerWindowUpdates(() => muxer as unknown as StreamMuxerFactory)({});
  assert.equal(factory.protocol, '/test');
  factory.createStreamMuxer(connection as unknown as MessageStream);
  return { send: data => given?.send(data) ?? false, sent };
}

test('small updates of a window go out as one, when they are worth it', () => {
  const { send, sent } = connected();
  for (let i = 0; i < 64; i++) assert.equal(send(frame(WINDOW_UPDATE, 1, 1000)), true);
  send(frame(WINDOW_UPDATE, 3, 1000));
  assert.deepEqual(sent, []);
  send(frame(WINDOW_UPDATE, 1, 65_000));
  assert.deepEqual(sent, ['1 of 1: 129000']);
  send(frame(WINDOW_UPDATE, 3, 1 << 20));
  assert.deepEqual(sent.slice(1), [`1 of 3: ${1000 + (1 << 20)}`]);
});

test('data, pings, and updates that open or end a stream go out at once', () => {
  const { send, sent } = connected();
  send(frame(WINDOW_UPDATE, 1, 0, ACK));
  send(frame(0, 1, 0));
  send(frame(2, 0, 7));
  assert.deepEqual(sent, ['1 of 1: 0', '0 of 1: 0', '2 of 0: 7']);
});

test('of very many streams what is held goes out before it is forgotten', () => {
  const { send, sent } = connected();
  for (let stream = 0; stream < 300; stream++) send(frame(WINDOW_UPDATE, stream, 5));
  assert.equal(sent.length, 257);
  assert.ok(sent.every((line, stream) => line === `1 of ${stream}: 5`));
});
