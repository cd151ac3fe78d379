// How the engine treats sources of different kinds, the background, and chunks that are on this node already.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ShoalError } from '../../../core/index.ts';
import { defaultFetchLimits } from '../../../daemon/config.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { bench, chunksOf, SINGLE, settle } from './engine-bench.ts';

async function withPeers() {
  const made = await bench();
  const peers = new MemorySource('peers', 'peers');
  peers.add(made.blob.layout, made.blob.bytes);
  return { ...made, peers, both: [peers, made.source] };
}

describe('fetch engine: the background', () => {
  test('waits until no reader of the node has waited for a while, wherever from', async () => {
    const { ensure, source, clock, blob } = await bench({ ...SINGLE, quietMs: 100 });
    const elsewhere = new MemorySource('another registry');
    elsewhere.add(blob.layout, blob.bytes);
    const background = ensure([20], { lane: 'background' });
    await clock.advance(99); // a new source is about to be read from
    await ensure([1], { sources: [elsewhere] });
    await clock.advance(99);
    assert.deepEqual(chunksOf(source), []);
    await clock.advance(1);
    await background;
    assert.deepEqual(chunksOf(source), [[20]]);
  });

  test('does not wait for a reader who has waited so long that the link cannot be the reason', async () => {
    const { ensure, source, clock, blob } = await bench({ ...SINGLE, quietMs: 100 });
    const dead = new MemorySource('a registry that does not answer');
    dead.add(blob.layout, blob.bytes);
    dead.pause();
    const reading = ensure([1], { sources: [dead] });
    const background = ensure([20], { lane: 'background' });
    await clock.advance(4_000);
    assert.deepEqual(chunksOf(source), []);
    await clock.advance(2_000);
    await background;
    dead.resume();
    await reading;
  });

  test('starts nothing while a reader waits, and what the reader comes to want does not wait', async () => {
    const { ensure, source, clock } = await bench({ ...SINGLE, quietMs: 100 });
    source.pause();
    const reading = ensure([1]);
    const background = [20, 21].map(index => ensure([index], { lane: 'background' }));
    await clock.advance(3_000);
    assert.deepEqual(chunksOf(source), [[1]]);
    const wanted = ensure([21]);
    await settle();
    assert.deepEqual(chunksOf(source), [[1], [21]]);
    source.resume();
    await Promise.all([reading, wanted]);
    await clock.advance(200);
    await Promise.all(background);
  });

  test('gives up on a chunk that is wrong again and again, when nobody waits for it', async () => {
    const { ensure, source, stored, clock } = await bench();
    source.corrupt.add(5);
    const call = ensure([5, 6], { lane: 'background', tries: 3 });
    await clock.advance(100_000);
    await call;
    assert.deepEqual([stored.map.has(5), stored.map.has(6)], [false, true]);
    assert.equal(chunksOf(source).filter(([index]) => index === 5).length, 3);
  });

  test('does not give up on a source that cannot be reached, nor on a chunk that a reader waits for', async () => {
    const { ensure, source, stored, clock } = await bench();
    for (let failure = 0; failure < 8; failure++) source.failNext(new ShoalError('unreachable', 'down'));
    const call = ensure([5], { lane: 'background', tries: 2 });
    await clock.advance(100_000);
    await call;
    assert.ok(stored.map.has(5));
    source.corrupt.add(7);
    const background = ensure([7], { lane: 'background', tries: 2 });
    await settle();
    const reading = ensure([7]);
    await clock.advance(300_000);
    source.corrupt.delete(7);
    await clock.advance(300_000);
    await Promise.all([background, reading]);
    assert.ok(stored.map.has(7));
  });
});

describe('fetch engine: peers', () => {
  test('what is under way without haste is asked for again when a reader waits for it', async () => {
    const { ensure, peers, both } = await withPeers();
    peers.pause();
    const background = ensure([4], { lane: 'background', sources: both });
    await settle();
    const reading = ensure([4], { sources: both });
    await settle();
    assert.deepEqual(
      peers.requests.map(({ chunks, lane }) => [chunks, lane]),
      [
        [[4], 'background'],
        [[4], 'demand'],
      ],
    );
    peers.resume();
    assert.equal(await reading, 'peers');
    await background;
    assert.equal(peers.active, 0);
  });

  test('at the origin a reader joins what is under way', async () => {
    const { ensure, source } = await bench();
    source.pause();
    const background = ensure([4], { lane: 'background' });
    await settle();
    const reading = ensure([4]);
    await settle();
    source.resume();
    await Promise.all([background, reading]);
    assert.deepEqual(chunksOf(source), [[4]]);
  });

  test('may take their time in the background; a reader goes to the origin after a while, and they are not blamed', async () => {
    const { ensure, peers, source, both, clock, stored } = await withPeers();
    const { stallTimeoutMs } = defaultFetchLimits.peers;
    peers.pause();
    const background = ensure([9], { lane: 'background', sources: both });
    await clock.advance(10 * stallTimeoutMs);
    assert.equal(source.requests.length, 0);
    for (let time = 0; time < 4; time++) {
      const reading = ensure([time], { sources: both });
      await clock.advance(stallTimeoutMs);
      assert.equal(await reading, 'origin');
    }
    assert.deepEqual(chunksOf(source), [[0], [1], [2], [3]]);
    const next = ensure([5], { sources: both });
    await settle();
    assert.deepEqual(chunksOf(peers).at(-1), [5]);
    peers.resume();
    await Promise.all([background, next]);
    assert.ok(stored.map.has(9));
  });

  test('when they have nothing and the origin is down, a read goes on as soon as the origin is back', async () => {
    const { ensure, peers, source, both, clock } = await withPeers();
    for (let index = 0; index < 40; index++) peers.lacks.add(index);
    for (let failure = 0; failure < 3; failure++) source.failNext(new ShoalError('unreachable', 'down'));
    await Promise.all(
      [0, 10, 20].map(async index => {
        const call = ensure([index], { sources: both });
        await clock.advance(1);
        void call;
      }),
    );
    const late = ensure([30], { sources: both });
    await clock.advance(defaultFetchLimits.transientBackoff.maxMs);
    assert.equal(await late, 'origin');
  });

  test('are told which chunk was wrong, and the next source is asked', async () => {
    const { ensure, peers, both } = await withPeers();
    peers.corrupt.add(3);
    assert.equal(await ensure([2, 3], { sources: both }), 'origin');
    assert.deepEqual(peers.distrusted, [3]);
  });
});

describe('fetch engine: chunks that are on this node', () => {
  test('are copied; sources are asked for the others and for what could not be copied', async () => {
    const asked: number[] = [];
    const made = await bench(SINGLE, 40, {
      copy: (blob, index) => {
        asked.push(index);
        if (index > 2) return undefined;
        return index === 2 ? Promise.resolve(false) : put(blob, index);
      },
    });
    const put = async (blob: typeof made.stored, index: number) => {
      const bytes = Uint8Array.from(made.blob.plain(index));
      await blob.put({ index, packing: 'none', bytes });
      return true;
    };
    assert.equal(await made.ensure([0, 1]), 'cache');
    assert.equal(made.source.requests.length, 0);
    assert.equal(await made.ensure([1, 2, 3]), 'origin');
    assert.deepEqual(chunksOf(made.source).toSorted(), [[2], [3]]);
    assert.deepEqual(asked, [0, 1, 2, 3]);
  });
});
