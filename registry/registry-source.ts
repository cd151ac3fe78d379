// An image in a registry, to read: from its mirrors first, if there are any, then from the registry itself. Whole blobs
// survive broken connections (they resume where they stopped, wherever that is possible) and are digest-checked as they
// flow; ranges are handed on as they come, for origin.ts.

import type {
  ByteRange,
  Descriptor,
  Digest,
  FetchedManifest,
  ManifestPreference,
  NamedSource,
  Platform,
  RangeReader,
  Referrer,
  ReferrerSource,
  TransferOptions,
} from '../core/index.ts';
import { abortedError, isShoalError, messageOf, ShoalError } from '../core/index.ts';
import { checkDocumentSize } from './body.ts';
import { chooseManifest } from './index-choice.ts';
import { describeDocument } from './manifest.ts';
import type { Mirror } from './mirror.ts';
import { checkRange } from './range.ts';
import type { RegistryReference } from './reference.ts';
import type { Repository } from './repository.ts';
import { resumableStream, withRetry } from './retry.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

export interface SourcePlaces {
  /** Asked before the registry, in order. */
  readonly mirrors: readonly Mirror[];
  readonly registry: Repository;
}

export class RegistrySource implements NamedSource, ReferrerSource, RangeReader {
  readonly name: string;
  readonly #reference: RegistryReference;
  readonly #mirrors: readonly Mirror[];
  readonly #registry: Repository;

  constructor(reference: RegistryReference, { mirrors, registry }: SourcePlaces) {
    this.name = registry.name;
    this.#reference = reference;
    this.#mirrors = mirrors;
    this.#registry = registry;
  }

  async manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest> {
    const { signal } = options;
    const start = await this.#anywhere(place => place.namedDocument(this.#reference, signal), signal);
    const choice = { platform, prefer: options.prefer ?? 'oci', what: this.name };
    return chooseManifest(start, choice, descriptor => this.document(descriptor, options));
  }

  async named({ signal }: TransferOptions): Promise<FetchedManifest> {
    const found = await this.#anywhere(place => place.namedDocument(this.#reference, signal), signal);
    const { digest, mediaType, bytes } = found;
    return { digest, mediaType: describeDocument(bytes, mediaType, this.name).mediaType, bytes };
  }

  /** From the registry itself: a mirror need not know them, and "none" would be believed. */
  referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]> {
    return this.#registry.referrers(subject, options);
  }

  async document(descriptor: Descriptor, { signal }: TransferOptions): Promise<Uint8Array> {
    checkDocumentSize(descriptor, this.name);
    return this.#anywhere(place => place.document(descriptor, signal), signal);
  }

  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array> {
    const { range, signal } = options;
    const all = { offset: 0, length: descriptor.size };
    const used = new Set<Mirror>();
    const open = (done: number) => {
      const { offset, length } = range ?? all;
      const rest = { offset: offset + done, length: length - done };
      return this.#pieces(descriptor, rest, { signal, used, whole: range === undefined });
    };
    const pieces = resumableStream(open, { signal, clock: this.#registry.clock });
    return range === undefined ? this.#verified(pieces, descriptor, used) : pieces;
  }

  readRange(
    blob: ExpectedContent,
    range: ByteRange,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    return this.#pieces(blob, range, options);
  }

  /** The range from the first place that has it; when one breaks off, the next goes on there. No retries. */
  async *#pieces(
    blob: ExpectedContent,
    range: ByteRange,
    options: { readonly signal: AbortSignal; readonly used?: Set<Mirror>; readonly whole?: boolean },
  ): AsyncGenerator<Uint8Array> {
    const { signal, used } = options;
    checkRange(blob, range, this.name);
    const failures: unknown[] = [];
    let done = 0;
    const read = (place: Mirror | Repository) =>
      options.whole && range.offset + done === 0
        ? place.wholeBlob(blob, signal)
        : place.readRange(blob, { offset: range.offset + done, length: range.length - done }, { signal });
    for (const mirror of this.#mirrors) {
      try {
        for await (const piece of read(mirror)) {
          used?.add(mirror);
          done += piece.length;
          yield piece;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw abortedError(signal);
        failures.push(error);
      }
    }
    try {
      yield* read(this.#registry);
    } catch (error) {
      throw withMirrors(error, failures);
    }
  }

  /** What was passed on of a wrong blob is passed on; the mirrors it came from are named and left alone. */
  async *#verified(
    pieces: AsyncIterable<Uint8Array>,
    descriptor: Descriptor,
    used: ReadonlySet<Mirror>,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* verifiedStream(pieces, descriptor, this.name);
    } catch (error) {
      if (!isShoalError(error, 'digest-mismatch') || used.size === 0) throw error;
      for (const mirror of used) mirror.lied(error);
      const names = [...used].map(({ name }) => name).join(', ');
      throw new ShoalError(error.code, `${error.message}; bytes came from ${names}`, { cause: error });
    }
  }

  /** Asks the mirrors and the registry, in order, and all of them again later when that may help. */
  #anywhere<T>(work: (place: Repository) => Promise<T>, signal: AbortSignal): Promise<T> {
    const round = async () => {
      const failures: unknown[] = [];
      for (const mirror of this.#mirrors) {
        try {
          return await mirror.attempt(work, signal);
        } catch (error) {
          if (signal.aborted) throw abortedError(signal);
          failures.push(error);
        }
      }
      return work(this.#registry).catch((error: unknown) => {
        throw withMirrors(error, failures);
      });
    };
    return withRetry(round, { signal, clock: this.#registry.clock });
  }
}

/** The registry's error, and after it what the mirrors said: perhaps the mistake is there. */
function withMirrors(error: unknown, failures: readonly unknown[]): unknown {
  if (failures.length === 0 || !(error instanceof ShoalError)) return error;
  const { retryable, retryAfterMs } = error;
  const message = [error, ...failures].map(messageOf).join('; before that, ');
  return new ShoalError(error.code, message, {
    cause: error,
    retryable,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
