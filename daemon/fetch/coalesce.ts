// Which chunks travel in one request. Pure: a table of chunks in, a list of indexes out.

import type { BlobLayout } from '../../core/index.ts';
import type { FetchLimits } from '../config.ts';

/**
 * What the engine knows about a chunk: `wanted` somebody waits for it and nobody fetches it; `missing` nobody asked,
 * it could come along; `skip` it is stored, on its way, or must not be touched now.
 */
export type Standing = 'wanted' | 'missing' | 'skip';

/**
 * The chunks of one request around `seed` (which is wanted): wanted neighbours on both sides as long as the range
 * stays within `maxRangeBytes` and no gap exceeds `maxGapBytes`; then, if the request is still smaller than
 * `amplifyBytes`, missing chunks behind it. Nothing unasked goes in front: it would arrive before what is waited for.
 * Ascending by compressed offset, as sources want it.
 */
export function planRange(
  layout: BlobLayout,
  seed: number,
  standing: (index: number) => Standing,
  limits: Pick<FetchLimits, 'maxRangeBytes' | 'maxGapBytes' | 'amplifyBytes'>,
): number[] {
  const range = new Range(layout, seed, limits);
  walk(layout, seed, 1, range, index => (standing(index) === 'wanted' ? 'take' : 'pass'));
  walk(layout, seed, -1, range, index => (standing(index) === 'wanted' ? 'take' : 'pass'));
  walk(layout, seed, 1, range, index => {
    if (range.bytes >= limits.amplifyBytes) return 'stop';
    return standing(index) === 'skip' ? 'pass' : 'take';
  });
  return range.chunks();
}

/**
 * Chunks looked at in one direction. A range of ordinary chunks is full long before; but nothing keeps a bootstrap from
 * putting millions of chunks at one place of the blob, or from leaving out as many.
 */
const MAX_STEPS = 4096;

/** Visits neighbours in one direction until the range is full, the gap too wide or the blob at its end. */
function walk(
  layout: BlobLayout,
  seed: number,
  step: 1 | -1,
  range: Range,
  decide: (index: number) => 'take' | 'pass' | 'stop',
): void {
  for (let steps = 1; steps <= MAX_STEPS; steps++) {
    const index = seed + step * steps;
    if (index < 0 || index >= layout.chunkCount) return;
    // A merged image may leave out what none of its files uses: a gap of unknown size, measured at the chunk behind it.
    if (range.has(index) || !layout.describes(index)) continue;
    const verdict = decide(index);
    if (verdict === 'stop') return;
    const { compressedOffset, compressedSize } = layout.chunk(index);
    if (!range.reaches(compressedOffset, compressedOffset + compressedSize)) return;
    if (verdict === 'take') range.take(index, compressedOffset, compressedOffset + compressedSize);
  }
}

/** The chosen chunks and the bytes of the blob that they span. */
class Range {
  readonly #limits: Pick<FetchLimits, 'maxRangeBytes' | 'maxGapBytes'>;
  readonly #offsets = new Map<number, number>();
  #start: number;
  #end: number;

  constructor(layout: BlobLayout, seed: number, limits: Pick<FetchLimits, 'maxRangeBytes' | 'maxGapBytes'>) {
    const { compressedOffset, compressedSize } = layout.chunk(seed);
    this.#limits = limits;
    this.#start = compressedOffset;
    this.#end = compressedOffset + compressedSize;
    this.#offsets.set(seed, compressedOffset);
  }

  get bytes(): number {
    return this.#end - this.#start;
  }

  has(index: number): boolean {
    return this.#offsets.has(index);
  }

  /** Would a chunk at [start, end) leave no gap too wide and the whole not too long? */
  reaches(start: number, end: number): boolean {
    const gap = Math.max(start - this.#end, this.#start - end, 0);
    const span = Math.max(end, this.#end) - Math.min(start, this.#start);
    return gap <= this.#limits.maxGapBytes && span <= this.#limits.maxRangeBytes;
  }

  take(index: number, start: number, end: number): void {
    this.#offsets.set(index, start);
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
  }

  chunks(): number[] {
    return [...this.#offsets].sort(([, a], [, b]) => a - b).map(([index]) => index);
  }
}
