// A parent under load, over real connections: slots, byte rate, a full queue, fair turns, and children that do not behave.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { PIECE_BYTES } from '../../../core/index.ts';
import { newIdentity } from '../../../peer/index.ts';
import { type ChildMessageProperties, OpenStatus, PIECES_PROTOCOL } from '../../../proto/index.ts';
import { makeCluster } from '../../support/member-nodes.ts';
import { openAt, ShiftedClock, startPeer, type TestPeer, until } from '../../support/peers.ts';
import { rawChild } from '../../support/raw-child.ts';

const DEMAND = { lane: 'demand', mayFetch: false } as const;
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Ends with the test. */
async function rawChildOf(t: TestContext, child: TestPeer, parent: TestPeer) {
  const raw = await rawChild(child.node, parent.address);
  t.after(() => raw.stream.abort(new Error('the test ends')));
  return raw;
}

suite('upload side', { timeout: 60_000 }, () => {
  test('no more pieces are read at once than there are slots', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster, { uploadSlots: 3 })]);
    const served = parent.tasks.add(1, 30);
    let now = 0;
    let most = 0;
    served.beforeRead = async () => {
      most = Math.max(most, ++now);
      await new Promise(resolve => setImmediate(resolve));
      now--;
    };
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request(numbers(30), DEMAND);
    await until(() => heard.pieces.size === 30);
    assert.equal(most, 3);
    assert.equal(parent.transport.load.freeSlots, 3);
  });

  test('the byte rate holds over all children together', async t => {
    const cluster = await makeCluster(t);
    const rate = 20 * PIECE_BYTES;
    const [parent, ...children] = await Promise.all([
      startPeer(t, cluster, { uploadBytesPerSecond: rate }),
      startPeer(t, cluster),
      startPeer(t, cluster),
    ]);
    const served = parent.tasks.add(1, 8);
    const opened = await Promise.all(children.map(({ transport }) => openAt(transport, parent.address, served)));
    const from = performance.now();
    for (const { task } of opened) task.request(numbers(8), DEMAND);
    await until(() => opened.every(({ heard }) => heard.pieces.size === 8));
    // 16 pieces, of which 5 are the burst: at least 11 twentieths of a second.
    assert.ok(performance.now() - from >= 545, `${performance.now() - from} ms`);
  });

  test('a full queue refuses with its length and whom to ask instead', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster, { uploadSlots: 1 })]);
    const served = parent.tasks.add(1, 1200);
    const others = numbers(6).map(() => newIdentity().peerId);
    served.others = others;
    const reading = Promise.withResolvers<void>();
    served.beforeRead = () => reading.promise;
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request(numbers(1200), DEMAND);
    await until(() => heard.refused.length === 1);
    assert.deepEqual(heard.refused[0], {
      pieces: numbers(1200).slice(1024),
      reason: 'busy',
      try: others.slice(0, 4),
    });
    reading.resolve();
    await until(() => heard.pieces.size === 1024);
    assert.equal(heard.queue, 0);
  });

  test('one that asks for much does not keep another waiting', async t => {
    const cluster = await makeCluster(t);
    const [greedy, modest, parent] = await Promise.all([
      startPeer(t, cluster),
      startPeer(t, cluster),
      startPeer(t, cluster, { uploadSlots: 1 }),
    ]);
    const served = parent.tasks.add(1, 400);
    const [first, second] = await Promise.all([
      openAt(greedy.transport, parent.address, served),
      openAt(modest.transport, parent.address, served),
    ]);
    const started = Promise.withResolvers<void>();
    served.beforeRead = () => started.promise;
    first.task.request(numbers(300), DEMAND);
    await until(() => served.reads.length === 1);
    second.task.request([390, 391, 392], DEMAND);
    await until(() => parent.transport.load.queueLength === 302);
    started.resolve();
    await until(() => second.heard.pieces.size === 3);
    assert.ok(served.reads.indexOf(392) <= 7, `it was read as number ${served.reads.indexOf(392)}`);
  });

  test('hurried pieces come before the others, and one that is being sent is not sent twice', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster, { uploadSlots: 1 })]);
    const served = parent.tasks.add(1, 20);
    served.lose([19]);
    served.coming.add(19);
    const started = Promise.withResolvers<void>();
    served.beforeRead = () => started.promise;
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request(numbers(20), { lane: 'trace', mayFetch: false });
    await until(() => served.reads.length === 1);
    task.hurry([0, 15, 19], 'demand');
    task.cancel([1]);
    await until(() => parent.transport.load.queueLength === 17);
    served.gain([19]);
    await until(() => parent.transport.load.queueLength === 18);
    started.resolve();
    await until(() => heard.pieces.size === 19);
    assert.deepEqual(served.reads.slice(0, 3), [0, 15, 19]);
    assert.equal(served.reads.length, 19);
  });

  test('a piece that a parent has not heard of yet is waited for a moment, and then refused', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 4);
    served.lose([0, 1, 2]);
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request([0, 1, 2], DEMAND);
    task.request([3], DEMAND);
    await until(() => heard.pieces.has(3));
    served.coming.add(1);
    served.gain([0]);
    await until(() => heard.refused.length === 1);
    assert.deepEqual(heard.refused[0], { pieces: [2], reason: 'absent', try: [] });
    served.gain([1]);
    await until(() => heard.pieces.size === 3);
    assert.deepEqual([...heard.pieces.keys()].sort(), [0, 1, 3]);
  });

  test('a child that never reads holds up nobody, and is disconnected', async t => {
    const cluster = await makeCluster(t);
    const clock = new ShiftedClock();
    const [stuck, other, parent] = await Promise.all([
      startPeer(t, cluster),
      startPeer(t, cluster),
      startPeer(t, cluster, { uploadSlots: 2, clock }),
    ]);
    const served = parent.tasks.add(1, 1000);
    const raw = await rawChildOf(t, stuck, parent);
    raw.open(served);
    await until(() => raw.got.length === 1);
    raw.stream.pause();
    raw.wire.send({ request: { handle: 1, lane: 1, pieces: numbers(1000), mayFetch: false } });
    // The window of its stream is full, and its pieces stay where they are.
    await until(() => served.reads.length > 0 && parent.transport.load.freeSlots === 2);
    const waiting = parent.transport.load.queueLength;
    assert.ok(waiting > 800, `${waiting} pieces wait`);
    const { heard, task } = await openAt(other.transport, parent.address, served);
    task.request(numbers(200), DEMAND);
    await until(() => heard.pieces.size === 200);
    assert.equal(parent.transport.load.queueLength, waiting);
    const isThere = () =>
      parent.node.libp2p.getConnections().some(({ remotePeer }) => remotePeer.toString() === stuck.node.peerId);
    await until(() => {
      clock.aheadMs += 100;
      return !isThere();
    });
    assert.equal(parent.transport.load.queueLength, 0);
    assert.ok(
      parent.log.lines.some(
        ({ message, fields }) =>
          message === 'child disconnected' && /took nothing for 30 s/.test(String(fields['reason'])),
      ),
    );
  });

  test('a child that goes on asking and never reads is not listened to any more', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 2000);
    const raw = await rawChildOf(t, child, parent);
    raw.open(served);
    await until(() => raw.got.length === 1);
    raw.stream.pause();
    raw.wire.send({ request: { handle: 1, lane: 1, pieces: numbers(1000), mayFetch: false } });
    await until(() => parent.transport.load.queueLength > 800);
    for (let n = 0; n < 2000 && !raw.wire.ended; n++) {
      raw.wire.send({ request: { handle: 1, lane: 1, pieces: numbers(2000), mayFetch: false } });
      if (n % 100 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    // Neither its questions (8 MB) nor the answers to them are piled up at the parent: they stay with the child.
    assert.ok(raw.wire.ended || raw.wire.unsentBytes > 0);
    assert.ok(parent.transport.load.queueLength <= 1024);
  });

  const crimes: Record<string, ChildMessageProperties> = {
    'asks for a piece beyond the task': { request: { handle: 1, lane: 1, pieces: [3], mayFetch: false } },
    'opens a task twice under one handle': { open: { handle: 1, taskId: new Uint8Array(32), pieceCount: 3 } },
    'names a task by something else than 32 bytes': { open: { handle: 2, taskId: new Uint8Array(31), pieceCount: 3 } },
    'asks for a chunk outside the blob': { chunk: { handle: 1, place: { piece: 3, within: 0 }, uncompressedSize: 9 } },
    'asks for a chunk larger than any': { chunk: { handle: 1, place: { piece: 0 }, uncompressedSize: 1 << 30 } },
  };
  for (const [name, message] of Object.entries(crimes)) {
    test(`a child that ${name} is cut off, and the log has the reason`, async t => {
      const cluster = await makeCluster(t);
      const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
      const raw = await rawChildOf(t, child, parent);
      raw.open(parent.tasks.add(1, 3));
      raw.wire.send(message);
      await raw.ended;
      await until(() => parent.log.lines.some(line => line.message === 'child disconnected'));
      assert.deepEqual(
        raw.got.filter(({ kind }) => kind === 'piece'),
        [],
      );
    });
  }

  test('a member that guesses digests gets one answer to each, and is cut off in the end', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 3);
    const raw = await rawChildOf(t, child, parent);
    for (let handle = 1; handle <= 20; handle++) {
      const proof = new Uint8Array(32).fill(handle);
      raw.open(served, { handle, proof });
    }
    await raw.ended;
    assert.ok(raw.got.length > 0 && raw.got.length < 16);
    for (const { opened } of raw.got) {
      assert.equal(opened?.status, OpenStatus.OPEN_BAD_PROOF);
      assert.equal((opened?.pieces ?? []).length, 0);
    }
    const line = parent.log.lines.find(({ message }) => /does not know its digest/.test(message));
    assert.equal(line?.fields['peer'], child.node.peerId);
  });

  test('a scheduler is given no pieces', async t => {
    const cluster = await makeCluster(t);
    const [scheduler, parent] = await Promise.all([cluster.member({ role: 'scheduler' }), startPeer(t, cluster)]);
    const connection = await scheduler.node.libp2p.dial(multiaddr(parent.address.addresses[0] ?? ''));
    const stream = await connection.newStream(PIECES_PROTOCOL).catch(() => undefined);
    await until(() => stream?.status !== 'open');
    const line = parent.log.lines.find(({ message }) => message === 'pieces refused');
    assert.match(String(line?.fields['reason']), /for scheduler, expected peer/);
  });

  test('pieces of many requests are packed and sent side by side with chunks', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster, { uploadSlots: 2 })]);
    const served = parent.tasks.add(1, 50);
    let packing = 0;
    let most = 0;
    served.pack = async () => {
      most = Math.max(most, ++packing);
      await new Promise(resolve => setTimeout(resolve, 5));
      packing--;
      return new Uint8Array(300_000);
    };
    const { heard, task } = await openAt(child.transport, parent.address, served);
    const signal = AbortSignal.timeout(30_000);
    const chunks = numbers(8).map(n =>
      task.requestChunk({ offset: n * 100, compressedSize: 1, uncompressedSize: 400_000 }, { lane: 'demand', signal }),
    );
    task.request(numbers(50), { lane: 'background', mayFetch: false });
    for (const frame of await Promise.all(chunks)) assert.equal(frame.length, 300_000);
    await until(() => heard.pieces.size === 50);
    assert.equal(most, 1);
  });
});
