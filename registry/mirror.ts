// A repository at a mirror: asked unless it is being left alone, never believed, and any failure of it is only a reason to
// go on to the next place.

import type { ByteRange, RangeReader } from '../core/index.ts';
import { abortedError, messageOf, ShoalError } from '../core/index.ts';
import type { RegistryEndpoint } from './endpoint.ts';
import type { MirrorHealth, MirrorPlace } from './mirror-health.ts';
import type { Repository } from './repository.ts';
import type { ExpectedContent } from './verified-stream.ts';

/** Every method rejects with `unavailable` for whatever goes wrong at the mirror, with `aborted` for the caller's abort. */
export class Mirror implements RangeReader {
  readonly name: string;
  readonly host: string;
  readonly #repository: Repository;
  readonly #health: MirrorHealth;
  readonly #place: MirrorPlace;

  constructor(repository: Repository, endpoint: RegistryEndpoint, health: MirrorHealth) {
    this.name = repository.name;
    this.host = endpoint.host;
    this.#repository = repository;
    this.#health = health;
    this.#place = { origin: endpoint.origin, repository: repository.path };
  }

  async attempt<T>(work: (repository: Repository) => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#checkPause();
    try {
      const result = await work(this.#repository);
      this.#health.worked(this.#place);
      return result;
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  wholeBlob(blob: ExpectedContent, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#stream(repository => repository.wholeBlob(blob, signal), signal);
  }

  readRange(
    blob: ExpectedContent,
    range: ByteRange,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    return this.#stream(repository => repository.readRange(blob, range, options), options.signal);
  }

  /** It gave bytes that are not what they should be. */
  lied(error: ShoalError): void {
    this.#health.failed(this.#place, error);
  }

  async *#stream(
    open: (repository: Repository) => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    this.#checkPause();
    try {
      yield* open(this.#repository);
      this.#health.worked(this.#place);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  #checkPause(): void {
    const retryAfterMs = this.#health.pauseMs(this.#place);
    if (retryAfterMs === 0) return;
    const seconds = Math.ceil(retryAfterMs / 1000);
    throw new ShoalError('unavailable', `${this.name}: failed before, left alone for ${seconds} s`, { retryAfterMs });
  }

  #failure(error: unknown, signal: AbortSignal): ShoalError {
    if (signal.aborted) return abortedError(signal);
    const failure =
      error instanceof ShoalError ? error : new ShoalError('internal', messageOf(error), { cause: error });
    this.#health.failed(this.#place, failure);
    const retryAfterMs = this.#health.pauseMs(this.#place);
    return new ShoalError('unavailable', failure.message, { cause: failure, retryAfterMs });
  }
}
