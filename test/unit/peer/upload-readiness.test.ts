// Whether a child is ready to be given a turn also depends on what others send on its connection: the upload side on a
// stream whose readiness is the test's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, Stream } from '@libp2p/interface';
import { PIECE_BYTES, silentLogger, systemClock } from '../../../core/index.ts';
import { newIdentity } from '../../../peer/index.ts';
import { proofOf } from '../../../peer/transport/pieces-protocol.ts';
import { Traffic } from '../../../peer/transport/traffic.ts';
import { UploadSide } from '../../../peer/transport/upload/upload-side.ts';
import { ChildMessage, type ChildMessageProperties, ParentMessage, taskIdOf } from '../../../proto/index.ts';
import { MemoryServedTasks } from '../../support/memory-served-tasks.ts';
import { until } from '../../support/peers.ts';

/** Takes what is sent; `writableNeedsDrain` is set by whoever shares the connection. */
class SharedStream extends EventTarget {
  writableNeedsDrain = false;
  writeBufferLength = 0;
  maxWriteBufferLength = 0;
  readonly sent: Uint8Array[] = [];

  send(data: Uint8Array): boolean {
    this.sent.push(data);
    return true;
  }

  fill(): void {
    this.writableNeedsDrain = true;
  }

  drain(): void {
    this.writableNeedsDrain = false;
    this.dispatchEvent(new Event('drain'));
  }

  says(message: ChildMessageProperties): void {
    const encoded = ChildMessage.encode(message).finish();
    const framed = Buffer.alloc(4 + encoded.length);
    framed.writeUInt32BE(encoded.length);
    framed.set(encoded, 4);
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(framed) }));
  }

  pause(): void {}
  resume(): void {}
  async close(): Promise<void> {}
  abort(): void {
    this.dispatchEvent(new Event('close'));
  }

  /** Pieces that were sent, by their numbers. */
  get pieces(): number[] {
    return this.sent.flatMap(framed => {
      if (framed.length === PIECE_BYTES) return [];
      const { piece } = ParentMessage.decode(framed.subarray(4));
      return piece ? [piece.piece ?? 0] : [];
    });
  }
}

test('a child that was not ready when its request came is given its turn when its connection has room again', async t => {
  const [parent, child] = [newIdentity().peerId, newIdentity().peerId];
  const tasks = new MemoryServedTasks();
  const served = tasks.add(1, 4);
  const upload = new UploadSide({
    peerId: parent,
    tasks,
    slots: 2,
    bytesPerSecond: undefined,
    clock: systemClock,
    log: silentLogger,
    traffic: new Traffic(systemClock),
  });
  t.after(() => upload.stop());
  const stream = new SharedStream();
  const connection = { remotePeer: child, abort: () => {} };
  upload.accept(stream as unknown as Stream, connection as unknown as Connection);
  stream.says({
    open: {
      handle: 1,
      taskId: Buffer.from(taskIdOf(served.digest), 'hex'),
      proof: proofOf(served.digest, child, parent),
      pieceCount: served.pieceCount,
    },
  });
  await until(() => stream.sent.length === 1);
  stream.fill();
  stream.says({ request: { handle: 1, lane: 1, pieces: [2, 3], mayFetch: false } });
  await until(() => upload.queueLength === 2);
  assert.deepEqual(stream.pieces, []);
  stream.drain();
  await until(() => stream.pieces.length === 2);
  assert.deepEqual(stream.pieces, [2, 3]);
});
