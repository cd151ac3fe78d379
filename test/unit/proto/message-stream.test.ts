// Messages over a real, encrypted connection between two libp2p nodes, and bytes no honest node would send.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import type { ShoalError } from '../../../core/index.ts';
import { type MessageBounds, type MessageCodec, MessageStream } from '../../../proto/index.ts';

const BOUNDS: MessageBounds = { maxMessageBytes: 1000, maxBodyBytes: 65_536, maxUnsentBytes: 4 << 20 };

interface Note {
  readonly text: string;
  readonly body: number;
}

const codec: MessageCodec<Note, Note> = {
  encode: note => Buffer.from(JSON.stringify(note)),
  decode: bytes => JSON.parse(Buffer.from(bytes).toString()),
  bodyLength: note => note.body,
};

async function node(t: TestContext) {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  });
  t.after(() => made.stop());
  return made;
}

/** Both ends of one stream. */
async function streams(t: TestContext): Promise<{ near: Stream; far: Stream }> {
  const [a, b] = await Promise.all([node(t), node(t)]);
  const arrived = Promise.withResolvers<Stream>();
  await b.handle('/test/1', stream => arrived.resolve(stream));
  const near = await a.dialProtocol(b.getMultiaddrs(), '/test/1');
  return { near, far: await arrived.promise };
}

/** Collects what comes until the stream ends. */
function collector(stream: Stream, bounds = BOUNDS) {
  const got: { text: string; body: Uint8Array }[] = [];
  const end = Promise.withResolvers<ShoalError | undefined>();
  const messages = new MessageStream(stream, codec, bounds, {
    onMessage: ({ text }, body) => got.push({ text, body }),
    onEnd: end.resolve,
  });
  return { got, ended: end.promise, messages };
}

test('messages and their bodies arrive whole and in order, however the network cuts them', async t => {
  const { near, far } = await streams(t);
  const sender = collector(near);
  const receiver = collector(far);
  const bodies = [0, 1, 65_536, 0, 3, 65_535].map(length => new Uint8Array(length).fill(length % 251));
  for (const [i, body] of bodies.entries()) sender.messages.send({ text: `note ${i}`, body: body.length }, body);
  await sender.messages.close(AbortSignal.timeout(5_000));
  assert.equal(await receiver.ended, undefined);
  assert.deepEqual(
    receiver.got.map(({ text, body }) => [text, Buffer.from(body)]),
    bodies.map((body, i) => [`note ${i}`, Buffer.from(body)]),
  );
});

test('a body is the receiver’s own: it covers its whole buffer', async t => {
  const { near, far } = await streams(t);
  const sender = collector(near);
  const receiver = collector(far);
  sender.messages.send({ text: '', body: 7 }, Buffer.from('0123456').subarray());
  await sender.messages.close(AbortSignal.timeout(5_000));
  await receiver.ended;
  assert.deepEqual(
    receiver.got.map(({ body }) => [body.byteLength, body.buffer.byteLength]),
    [[7, 7]],
  );
});

for (const [what, bytes] of [
  ['a message longer than allowed', Buffer.from([0, 0, 4, 0])],
  ['a message of 4 GiB', Buffer.from([255, 255, 255, 255])],
  ['a message that cannot be read', Buffer.from([0, 0, 0, 2, 123, 123])],
  ['a body longer than allowed', framed('{"text":"","body":65537}')],
] as const) {
  test(`${what} ends the stream as malformed, before anything is allocated for it`, async t => {
    const { near, far } = await streams(t);
    const receiver = collector(far);
    near.send(bytes);
    assert.equal((await receiver.ended)?.code, 'malformed');
    assert.deepEqual(receiver.got, []);
  });
}

test('a sender that waits for drain never has more than a bounded amount unsent', async t => {
  const { near, far } = await streams(t);
  const sender = collector(near);
  const receiver = collector(far);
  receiver.messages.pause();
  const body = new Uint8Array(65_536);
  let [sent, most] = [0, 0];
  const all = 128;
  const sending = (async () => {
    for (; sent < all; sent++) {
      sender.messages.send({ text: '', body: body.length }, body);
      most = Math.max(most, sender.messages.unsentBytes);
      await sender.messages.drained(AbortSignal.timeout(10_000));
    }
    await sender.messages.close(AbortSignal.timeout(10_000));
  })();
  receiver.messages.resume();
  await sending;
  assert.equal(await receiver.ended, undefined);
  assert.equal(receiver.got.length, all);
  assert.ok(most < 1 << 20, `${most} bytes waited`);
});

test('bytes that the network took are counted, those that wait for it are not', async t => {
  const { near, far } = await streams(t);
  const sender = collector(near);
  far.pause();
  const body = new Uint8Array(65_536);
  let sent = 0;
  while (!sender.messages.needsDrain) {
    const note = { text: '', body: body.length };
    sender.messages.send(note, body);
    sent += 4 + codec.encode(note).length + body.length;
  }
  assert.equal(sender.messages.takenBytes, sent - sender.messages.unsentBytes);
  const before = sender.messages.takenBytes;
  const receiver = collector(far);
  receiver.messages.resume();
  await sender.messages.drained(AbortSignal.timeout(10_000));
  assert.ok(sender.messages.takenBytes > before);
});

test('a sender that waits for drain stops waiting when the signal fires and when the stream ends', async t => {
  const { near, far } = await streams(t);
  const sender = collector(near);
  // Nobody reads at the other end, and its buffer is bounded by the window.
  far.pause();
  const body = new Uint8Array(65_536);
  while (!sender.messages.needsDrain) sender.messages.send({ text: '', body: body.length }, body);
  const reason = new Error('enough');
  await assert.rejects(sender.messages.drained(AbortSignal.abort(reason)));
  const waiting = sender.messages.drained(AbortSignal.timeout(10_000));
  far.abort(new Error('gone'));
  await assert.rejects(waiting, { code: 'unreachable' });
  assert.equal(sender.messages.send({ text: '', body: 0 }), false);
});

function framed(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}
