// What the peers give as a chunk source, beside what every source must (test/conformance/chunk-source.ts).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { isShoalError, ShoalError } from '../../../core/index.ts';
import { defaultFetchLimits } from '../../../daemon/config.ts';
import { PeerSource } from '../../../peer/index.ts';
import { DEFAULT_SWARM_SETTINGS } from '../../../peer/swarm/config.ts';
import { MAX_DEADLINE_MS } from '../../../scheduler/core/config.ts';
import { fakeBlob } from '../../support/fake-blob.ts';
import { MemorySwarm } from '../../support/memory-swarm.ts';
import { collectItems, inPieces } from '../../support/streams.ts';

const signal = new AbortController().signal;

function bench() {
  const blob = fakeBlob();
  const { digest, blobSize } = blob.layout;
  const swarm = new MemorySwarm();
  const origin = {
    name: 'origin',
    readRange: (_blob: unknown, range: { readonly offset: number; readonly length: number }) =>
      inPieces(blob.bytes.subarray(range.offset, range.offset + range.length), 1000),
  };
  const shared = swarm.join({ digest, size: blobSize }, { origin });
  const source = new PeerSource(wanted => (wanted === digest ? shared : undefined));
  const fetch = (chunks: readonly number[]) =>
    collectItems(source.fetch({ blob: blob.layout, chunks, lane: 'background' }, { signal }));
  return { blob, swarm, source, fetch };
}

test('ends without the chunks that nobody can bring, so that the origin is asked', async () => {
  const { fetch } = bench();
  assert.deepEqual(await fetch([0, 1, 2]), []);
});

test('takes a chunk that another node has packed where the blob itself is gone', async () => {
  const { blob, swarm, fetch } = bench();
  const frame = zstdCompressSync(blob.plain(1));
  swarm.addPacked(blob.layout.digest, { offset: blob.layout.chunk(1).compressedOffset }, frame);
  const payloads = await fetch([0, 1, 2]);
  assert.deepEqual(
    payloads.map(({ index, packing, bytes }) => ({ index, packing, bytes: Buffer.from(bytes) })),
    [{ index: 1, packing: 'zstd', bytes: Buffer.from(frame) }],
  );
});

test('asks for all chunks at once, each by its own range, in the lane of the request', async () => {
  const { blob, swarm, fetch } = bench();
  swarm.add(blob.layout.digest, blob.bytes);
  swarm.pause();
  const fetched = fetch([1, 2, 5]);
  assert.deepEqual(
    swarm.reads.map(({ range, lane }) => ({ ...range, lane })),
    [1, 2, 5].map(index => {
      const { compressedOffset: offset, compressedSize: length } = blob.layout.chunk(index);
      return { offset, length, lane: 'background' };
    }),
  );
  swarm.resume();
  assert.equal((await fetched).length, 3);
});

test('says which bytes this node itself had from the origin, by a lease', async () => {
  const { blob, swarm, fetch } = bench();
  swarm.fromOrigin = true;
  const [leased] = await fetch([3]);
  assert.equal(leased?.originBytes, blob.layout.chunk(3).compressedSize);
  swarm.add(blob.layout.digest, blob.bytes);
  const [swapped] = await fetch([3]);
  assert.equal(swapped?.originBytes, 0);
});

test('one chunk that fails does not take the others with it', async () => {
  const { blob, swarm, source } = bench();
  swarm.add(blob.layout.digest, blob.bytes);
  swarm.failNext(new ShoalError('timeout', 'broken by the test'));
  const came: number[] = [];
  const all = (async () => {
    for await (const { index } of source.fetch({ blob: blob.layout, chunks: [0, 1, 2], lane: 'demand' }, { signal })) {
      came.push(index);
    }
  })();
  await assert.rejects(all, error => isShoalError(error, 'timeout'));
  assert.deepEqual(came.toSorted(), [1, 2]);
});

test('passes on that a chunk was wrong, by the bytes it was read from', () => {
  const { blob, swarm, source } = bench();
  source.distrust({ blob: blob.layout, index: 4 });
  const { compressedOffset: offset, compressedSize: length } = blob.layout.chunk(4);
  assert.deepEqual(swarm.distrusted, [{ offset, length }]);
});

test('a blob of which nothing comes is given back by the swarm, before the daemon gives up an attempt that a lease may still end', () => {
  const { stallTimeoutMs } = defaultFetchLimits.peers;
  assert.ok(DEFAULT_SWARM_SETTINGS.giveUpMs < stallTimeoutMs);
  assert.ok(MAX_DEADLINE_MS <= stallTimeoutMs);
});
