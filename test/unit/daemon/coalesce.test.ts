import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobLayout } from '../../../core/index.ts';
import { planRange, type Standing } from '../../../daemon/fetch/coalesce.ts';
import { fakeBlob } from '../../support/fake-blob.ts';

/** Chunks of the given compressed sizes one after the other; a pair is a size and the gap in front of it. */
function layoutOfSizes(sizes: readonly (number | readonly [size: number, gap: number])[]): BlobLayout {
  let offset = 0;
  const chunks = sizes.map((entry, index) => {
    const [size, gap] = typeof entry === 'number' ? [entry, 0] : entry;
    const compressedOffset = offset + gap;
    offset = compressedOffset + size;
    return {
      index,
      compressedOffset,
      compressedSize: size,
      compressed: true,
      deviceOffset: index * 4096,
      uncompressedSize: 4096,
      digest: new Uint8Array(32),
    };
  });
  const { layout } = fakeBlob({ chunkCount: sizes.length });
  return { ...layout, chunk: index => chunks[index] ?? layout.chunk(index) };
}

const limits = { maxRangeBytes: 1000, maxGapBytes: 50, amplifyBytes: 0 };
const LETTERS: Readonly<Record<string, Standing>> = { w: 'wanted', m: 'missing', s: 'skip' };

function plan(
  sizes: Parameters<typeof layoutOfSizes>[0],
  standings: string,
  seed: number,
  changes: Partial<typeof limits> = {},
): number[] {
  const standing = (index: number) => LETTERS[standings[index] ?? ''] ?? 'skip';
  return planRange(layoutOfSizes(sizes), seed, standing, { ...limits, ...changes });
}

test('neighbours that are wanted travel in one request, ascending, whichever was asked for first', () => {
  assert.deepEqual(plan([100, 100, 100, 100], 'wwww', 2), [0, 1, 2, 3]);
  assert.deepEqual(plan([100, 100, 100, 100], 'mwwm', 1), [1, 2]);
});

test('a request does not grow beyond the largest range', () => {
  assert.deepEqual(plan([400, 400, 400, 400], 'wwww', 0), [0, 1]);
  assert.deepEqual(plan([400, 400, 400, 400], 'wwww', 3), [2, 3]);
  assert.deepEqual(plan([5000, 10], 'ww', 0), [0]);
});

test('a small gap is fetched along, a wide one splits the request', () => {
  assert.deepEqual(plan([100, [100, 50], [100, 51]], 'www', 0), [0, 1]);
  assert.deepEqual(plan([100, 40, 100], 'wsw', 0), [0, 2]);
  assert.deepEqual(plan([100, 60, 100], 'wsw', 0), [0]);
  assert.deepEqual(plan([100, 20, 20, 20, 100], 'wsssw', 4), [4]);
});

test('chunks that are stored, under way or resting are never asked for', () => {
  assert.deepEqual(plan([10, 10, 10], 'sws', 1, { amplifyBytes: 1000 }), [1]);
});

test('a small request takes missing chunks behind it along, never in front', () => {
  assert.deepEqual(plan([10, 10, 10, 10, 10], 'mmwmm', 2, { amplifyBytes: 25 }), [2, 3, 4]);
  assert.deepEqual(plan([10, 10, 10, 10, 10], 'mmwmm', 2, { amplifyBytes: 20 }), [2, 3]);
  assert.deepEqual(plan([10, 10, 100, 10, 10], 'mmwmm', 2, { amplifyBytes: 20 }), [2]);
});

test('amplification respects the gap and the largest range', () => {
  assert.deepEqual(plan([10, [10, 51]], 'wm', 0, { amplifyBytes: 1000 }), [0]);
  assert.deepEqual(plan([900, 90, 90], 'wmm', 0, { amplifyBytes: 2000 }), [0, 1]);
});

test('chunks that the bootstrap does not describe are passed over', () => {
  const layout = layoutOfSizes([10, 10, 10, 10, 10]);
  const undescribed = new Set([1, 3]);
  const sparse: BlobLayout = {
    ...layout,
    describes: index => !undescribed.has(index),
    chunk: index => {
      assert.ok(!undescribed.has(index), `chunk ${index} is not described`);
      return layout.chunk(index);
    },
  };
  const wanted = (index: number): Standing => (index === 0 ? 'wanted' : 'missing');
  assert.deepEqual(planRange(sparse, 2, wanted, { ...limits, amplifyBytes: 1000 }), [0, 2, 4]);
});

test('however many chunks a bootstrap puts at one place, a request and the search for it stay small', () => {
  const { layout } = fakeBlob({ chunkCount: 1 });
  const chunk = { ...layout.chunk(0), compressedOffset: 0, compressedSize: 1 };
  let looked = 0;
  const crowded: BlobLayout = {
    ...layout,
    chunkCount: 1 << 24,
    describes: () => true,
    chunk: index => {
      looked++;
      return { ...chunk, index };
    },
  };
  assert.ok(planRange(crowded, 1 << 23, () => 'missing', { ...limits, amplifyBytes: 1000 }).length < 10_000);
  assert.ok(looked < 20_000, `looked at ${looked} chunks`);
});
