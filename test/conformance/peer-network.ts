// The contract of PeerNetwork (peer/ports.ts) between a child and a parent that serves ServedTasks, for every
// implementation of it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PIECE_BYTES } from '../../core/index.ts';
import type { PeerAddress, PeerNetwork } from '../../peer/index.ts';
import { taskIdOf } from '../../proto/index.ts';
import { MemoryServedTask, type MemoryServedTasks, someDigest } from '../support/memory-served-tasks.ts';
import { Heard, openAt, until } from '../support/peers.ts';

export interface PeerNetworkUnderTest {
  readonly child: PeerNetwork;
  readonly parent: PeerAddress;
  /** What the parent serves. */
  readonly tasks: MemoryServedTasks;
  /** Breaks what connects the two, as a cable that is drawn and put back. */
  readonly cut: () => void;
}

const DEMAND = { lane: 'demand', mayFetch: false } as const;
const CHUNK = { offset: 70_000, compressedSize: 1000, uncompressedSize: 200_000 };
const signal = new AbortController().signal;

export function peerNetworkConformance(name: string, setup: (t: TestContext) => Promise<PeerNetworkUnderTest>): void {
  describe(`peer network: ${name}`, { timeout: 60_000 }, () => {
    test('opening a task tells what the parent has', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      served.gain([0, 3, 19], [5]);
      const { heard, link } = await openAt(child, parent, served);
      assert.deepEqual([...(heard.here ?? [])], [0, 3, 19]);
      assert.deepEqual([...(heard.covered ?? [])], [5]);
      assert.equal(link.isUp, true);
      assert.equal(link.peerId, parent.peerId);
    });

    test("each piece that is asked for comes once and whole, in a buffer of the receiver's", async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 40);
      const { heard, task } = await openAt(child, parent, served);
      const asked = [7, 39, 0, 12, 13, 14, 1];
      task.request(asked, DEMAND);
      task.request([7, 39], DEMAND); // said twice is asked once
      await until(() => heard.pieces.size === asked.length);
      assert.deepEqual(
        heard.order.toSorted((a, b) => a - b),
        asked.toSorted((a, b) => a - b),
      );
      for (const [piece, bytes] of heard.pieces) {
        assert.deepEqual(bytes, served.bytesOf(piece));
        assert.equal(bytes.buffer.byteLength, bytes.length, 'the receiver owns the buffer');
      }
    });

    test('a last piece may be short', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = new MemoryServedTask(someDigest(1), PIECE_BYTES + 5);
      served.gain([0, 1]);
      t.mock.method(tasks, 'find', () => served);
      const { heard, task } = await openAt(child, parent, served);
      task.request([1], DEMAND);
      await until(() => heard.pieces.has(1));
      assert.equal(heard.pieces.get(1)?.length, 5);
    });

    test('what the parent gains and loses is told', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      const { heard } = await openAt(child, parent, served);
      served.gain([4, 5], [6]);
      served.gain([7]);
      await until(() => heard.have.length === 3);
      assert.deepEqual(heard.have, [4, 5, 7]);
      assert.deepEqual(heard.chunksHad, [6]);
      served.lose([5]);
      served.gain([8]);
      served.lose([8]); // gone again before anybody was told
      await until(() => heard.lost.includes(8));
      assert.deepEqual(heard.have, [4, 5, 7]);
      assert.deepEqual(heard.lost, [5, 8]);
    });

    test('a request waits at the parent for a piece that is coming', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      served.coming.add(3).add(4);
      const { heard, task } = await openAt(child, parent, served);
      task.request([3, 4, 9], DEMAND);
      await until(() => heard.refused.length === 1);
      assert.deepEqual(heard.refused[0], { pieces: [9], reason: 'absent', try: [] });
      served.gain([3]);
      await until(() => heard.pieces.has(3));
      served.fail([4]);
      await until(() => heard.refused.length === 2);
      assert.deepEqual(heard.refused[1], { pieces: [4], reason: 'failed', try: [] });
    });

    test('a parent that may fetch does so, and only then', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      const { heard, task } = await openAt(child, parent, served);
      task.request([2], { lane: 'trace', mayFetch: true });
      await until(() => served.fetched.length === 1);
      assert.deepEqual(served.fetched, [{ piece: 2, lane: 'trace' }]);
      served.gain([2]);
      await until(() => heard.pieces.has(2));
      served.fetches = false;
      task.request([3], { lane: 'trace', mayFetch: true });
      await until(() => heard.refused.length === 1);
      assert.equal(heard.refused[0]?.reason, 'absent');
    });

    test('what is cancelled does not come', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      served.coming.add(1).add(2);
      const { heard, task } = await openAt(child, parent, served);
      task.request([1, 2], DEMAND);
      task.cancel([1]);
      task.request([9], DEMAND);
      await until(() => heard.refused.length === 1); // the parent has read all three
      served.gain([1, 2]);
      await until(() => heard.pieces.has(2));
      task.request([1], DEMAND);
      await until(() => heard.pieces.has(1));
      assert.deepEqual(heard.order, [2, 1]);
    });

    test('a task that the parent does not have is denied', async t => {
      const { child, parent } = await setup(t);
      const { heard } = await openAt(child, parent, new MemoryServedTask(someDigest(5), PIECE_BYTES));
      assert.match(heard.denied ?? '', /does not have/);
    });

    test('a child that does not know the digest is denied, and gets nothing', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 3);
      const heard = new Heard();
      const guess = { taskId: taskIdOf(served.digest), digest: someDigest(2), pieceCount: served.pieceCount };
      const task = child.link(parent).open(guess, heard);
      await until(() => heard.denied !== undefined);
      assert.match(heard.denied ?? '', /proof/);
      task.request([0], DEMAND);
      await until(() => heard.refused.length === 1);
      served.gain([2]);
      const { heard: other } = await openAt(child, parent, served); // a round trip later
      assert.equal(other.opened, 1);
      assert.deepEqual([heard.opened, heard.pieces.size, heard.have.length], [0, 0, 0]);
    });

    test('a chunk comes as the frame that the parent packed', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20);
      const frame = Uint8Array.from({ length: 150_001 }, (_, at) => at % 253);
      const places: unknown[] = [];
      served.pack = async place => {
        places.push(place);
        return frame;
      };
      const { task } = await openAt(child, parent, served);
      assert.deepEqual(await task.requestChunk(CHUNK, { lane: 'demand', signal }), frame);
      assert.deepEqual(places, [CHUNK]);
    });

    test('a chunk that the parent cannot give is unavailable, and one that is cancelled is not packed on', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20);
      const { task } = await openAt(child, parent, served);
      await assert.rejects(task.requestChunk(CHUNK, { lane: 'demand', signal }), { code: 'unavailable' });
      const packing = Promise.withResolvers<AbortSignal>();
      served.pack = (_place, signal) => {
        packing.resolve(signal);
        return new Promise(() => {});
      };
      const giveUp = new AbortController();
      const waiting = task.requestChunk(CHUNK, { lane: 'demand', signal: giveUp.signal });
      const atParent = await packing.promise;
      giveUp.abort();
      await assert.rejects(waiting, { code: 'aborted' });
      await until(() => atParent.aborted);
    });

    test('after a loss requests are down, and the task is open again by itself', async t => {
      const { child, parent, tasks, cut } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      served.coming.add(3);
      const { heard, task } = await openAt(child, parent, served);
      task.request([3], DEMAND);
      const chunk = task.requestChunk(CHUNK, { lane: 'demand', signal });
      served.pack = () => new Promise(() => {});
      cut();
      await assert.rejects(chunk, { code: 'unavailable' });
      await until(() => heard.downs === 1);
      await until(() => heard.opened === 2);
      served.gain([3]);
      await until(() => heard.have.includes(3));
      assert.equal(heard.pieces.size, 0, 'the request went with the link');
      task.request([3], DEMAND);
      await until(() => heard.pieces.has(3));
    });

    test('the link is shared, and ends when the last holder gives it back', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20);
      const first = await openAt(child, parent, served);
      const second = child.link(parent);
      assert.equal(second.isUp, true);
      first.link.release();
      first.link.release();
      assert.equal(second.isUp, true);
      first.task.request([1], DEMAND);
      await until(() => first.heard.pieces.has(1));
      second.release();
      await until(() => !second.isUp);
      await until(() => served.listeners === 0);
    });

    test('a closed task hears nothing more, and the parent forgets it', async t => {
      const { child, parent, tasks } = await setup(t);
      const served = tasks.add(1, 20, { empty: true });
      served.coming.add(1);
      const { heard, task } = await openAt(child, parent, served);
      task.request([1], DEMAND);
      task.close();
      await until(() => served.listeners === 0);
      served.gain([1]);
      const { heard: other } = await openAt(child, parent, served);
      assert.equal(other.opened, 1);
      assert.deepEqual([heard.pieces.size, heard.have.length, heard.downs], [0, 0, 0]);
    });
  });
}
