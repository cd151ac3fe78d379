// What every fuzz target shares: how inputs are made (fast-check, from a seed, so that each can be made again), and the
// oracle: whatever comes in, out comes a result or a ShoalError of a code that the target allows, within bounded time
// and memory.

import fc from 'fast-check';
import { type ErrorCode, isShoalError } from '../../core/index.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Runs of the test suite; a long run has as many as it has time for. */
  readonly runs: number;
  /** Inputs, as bytes that can be saved and given again. */
  readonly input: fc.Arbitrary<Uint8Array>;
  /** Codes of the errors that wrong input may cause. */
  readonly allows: readonly ErrorCode[];
  /** Gives the input to the code under test; throws what that throws, or when a result is wrong. */
  readonly run: (input: Uint8Array) => void | Promise<void>;
}

/** Thousands of times what a sound input of this size takes. */
export const MAX_RUN_MS = 3_000;
/** Far more than any input of a few kilobytes is worth; one size that is believed allocates gigabytes. */
const MAX_RUN_BYTES = 512 << 20;

/** Runs one input under the oracle; resolves to what became of it, or rejects with what is wrong. */
export async function judge(target: FuzzTarget, input: Uint8Array): Promise<'taken' | 'refused'> {
  const before = allocated();
  const started = performance.now();
  let outcome: 'taken' | 'refused' = 'taken';
  try {
    await target.run(input);
  } catch (error) {
    if (!isShoalError(error) || !target.allows.includes(error.code)) throw error;
    if (error.message === '') throw new Error('an error without a message', { cause: error });
    outcome = 'refused';
  }
  const [ms, bytes] = [performance.now() - started, allocated() - before];
  if (ms > MAX_RUN_MS) throw new Error(`took ${Math.round(ms)} ms; at most ${MAX_RUN_MS} are allowed`);
  if (bytes > MAX_RUN_BYTES) throw new Error(`took ${bytes} bytes of memory; at most ${MAX_RUN_BYTES} are allowed`);
  return outcome;
}

/** Bytes of heap and buffers. What was freed in between makes a run look smaller, never larger. */
function allocated(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export interface FuzzOutcome {
  readonly taken: number;
  readonly refused: number;
  /** The smallest input that was found to fail, and fast-check's report on it. */
  readonly failure?: { readonly input: Uint8Array; readonly report: string };
}

/** The same seed gives the same inputs. `onInput` sees each before it is run. */
export async function fuzz(
  target: FuzzTarget,
  options: { readonly seed: number; readonly runs: number; readonly onInput?: (input: Uint8Array) => void },
): Promise<FuzzOutcome> {
  const tally = { taken: 0, refused: 0 };
  const property = fc.asyncProperty(target.input, async input => {
    options.onInput?.(input);
    tally[await judge(target, input)]++;
  });
  const details = await fc.check(property, { seed: options.seed, numRuns: options.runs });
  if (!details.failed) return tally;
  const [input = new Uint8Array()] = details.counterexample ?? [];
  return { ...tally, failure: { input, report: fc.defaultReportMessage(details) ?? '' } };
}

type Edit =
  | { readonly kind: 'byte'; readonly at: number; readonly value: number }
  | { readonly kind: 'number'; readonly at: number; readonly width: 2 | 4 | 8; readonly value: bigint }
  | { readonly kind: 'copy'; readonly from: number; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

const PLACES = 1 << 24;
const INTERESTING = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0xfffn, 0x1000n, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0xffff_ffffn];
const LARGE = [0x1f_ffff_ffff_ffffn, 0x20_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn];

const place = fc.nat(PLACES);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('byte' as const), at: place, value: fc.nat(255) }), weight: 6 },
  {
    arbitrary: fc.record({
      kind: fc.constant('number' as const),
      at: place,
      width: fc.constantFrom(2 as const, 4 as const, 8 as const),
      value: fc.oneof(fc.constantFrom(...INTERESTING, ...LARGE), fc.bigInt(0n, 0xffffn)),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      from: place,
      at: place,
      length: fc.integer({ min: 1, max: 128 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at: place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    }),
    weight: 1,
  },
);

/** One of these files with a few edits, most of them where it is not zero. `repair` makes, say, checksums fit again. */
export function mutated(
  bases: readonly Uint8Array[],
  repair: (bytes: Uint8Array) => void = () => {},
): fc.Arbitrary<Uint8Array> {
  const used = bases.map(bytes => [...bytes.keys()].filter(at => bytes[at] !== 0));
  const which = fc.nat(bases.length - 1);
  const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
  return fc.tuple(which, edits, fc.boolean()).map(([index, list, isRepaired]) => {
    let bytes = new Uint8Array(bases[index] ?? []);
    for (const each of list) bytes = edited(bytes, each, used[index] ?? []);
    if (isRepaired) repair(bytes);
    return bytes;
  });
}

function edited(bytes: Uint8Array<ArrayBuffer>, change: Edit, used: readonly number[]): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return bytes;
  const at = placeIn(bytes, change.at, used);
  switch (change.kind) {
    case 'byte':
      bytes[at] = change.value;
      return bytes;
    case 'number': {
      const start = at - (at % change.width);
      if (start + change.width > bytes.length) return bytes;
      for (let i = 0; i < change.width; i++) bytes[start + i] = Number((change.value >> BigInt(8 * i)) & 0xffn);
      return bytes;
    }
    case 'copy':
      bytes.copyWithin(at, placeIn(bytes, change.from, used), placeIn(bytes, change.from, used) + change.length);
      return bytes;
    case 'cut':
      return bytes.slice(0, at);
    case 'insert':
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)]));
  }
}

/** Nine times out of ten in or beside a byte that is not zero: files of this kind are mostly padding. */
function placeIn(bytes: Uint8Array, number: number, used: readonly number[]): number {
  if (number % 10 === 0 || used.length === 0) return number % bytes.length;
  const near = (used[Math.floor(number / 10) % used.length] ?? 0) + (number % 9) - 4;
  return Math.min(Math.max(near, 0), bytes.length - 1);
}

/** Text as bytes, for targets that read text. Lone surrogates do not survive, as they would not on a wire. */
export function textInput(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  return text.map(each => new TextEncoder().encode(each));
}

export function textOf(input: Uint8Array): string {
  return new TextDecoder().decode(input);
}

/** A JSON document with something in it replaced, removed or added, as text. */
export function mutatedJson(documents: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const paths = documents.flatMap(document => pathsOf(document).map(path => ({ document, path })));
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(null, -1, 0, 1.5, 2 ** 53, 1e308, '', '\0', [], {}, true, 'x'.repeat(5000)),
  );
  const changed = fc
    .tuple(fc.constantFrom(...paths), fc.option(value, { nil: undefined }))
    .map(([{ document, path }, replacement]) => JSON.stringify(replaced(document, path, replacement)) ?? '');
  const anyJson = fc.jsonValue({ maxDepth: 4 }).map(each => JSON.stringify(each));
  const torn = fc
    .tuple(fc.constantFrom(...documents), fc.nat(PLACES))
    .map(([document, at]) => JSON.stringify(document).slice(0, at % JSON.stringify(document).length));
  return textInput(
    fc.oneof({ arbitrary: changed, weight: 6 }, { arbitrary: anyJson, weight: 2 }, { arbitrary: torn, weight: 1 }),
  );
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.flatMap((child, index) => {
      const next = String(index) === String(key) ? replaced(child, rest, replacement) : child;
      return next === undefined ? [] : [next];
    });
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) => {
      const next = name === key ? replaced(child, rest, replacement) : child;
      return next === undefined ? [] : [[name, next]];
    }),
  );
}
