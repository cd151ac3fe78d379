import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageStream } from '@libp2p/interface';
import { writeWhole } from '../../../peer/transport/whole-writes.ts';

type Data = Parameters<MessageStream['send']>[0];

test('a frame of several parts reaches the socket as one, with all its bytes', () => {
  const sent: Data[] = [];
  let answer = true;
  const connection = {
    send(data: Data) {
      sent.push(data);
      return answer;
    },
  } as Partial<MessageStream> as MessageStream;
  writeWhole(connection);
  // A list of libp2p's, which gives its parts one by one to who iterates over it.
  const parts = [Uint8Array.of(0, 3), Uint8Array.of(1, 2, 3), Uint8Array.of(9)];
  const list = { subarray: () => Uint8Array.from(Buffer.concat(parts)) } as Partial<Data> as Data;
  assert.equal(connection.send(list), true);
  answer = false;
  assert.equal(connection.send(Uint8Array.of(7)), false, 'that the socket is full is passed on');
  assert.deepEqual(sent, [Uint8Array.of(0, 3, 1, 2, 3, 9), Uint8Array.of(7)]);
});
