// A source that counts what goes through it: bytes and requests of one mount.

import type { ChunkPayload, ChunkRequest, ChunkSource } from '../../core/index.ts';

export class MeteredSource implements ChunkSource {
  readonly name: string;
  readonly #source: ChunkSource;
  #requests = 0;
  #bytes = 0;

  constructor(source: ChunkSource) {
    this.#source = source;
    this.name = source.name;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Payload bytes as they came, compressed. */
  get bytes(): number {
    return this.#bytes;
  }

  async *fetch(request: ChunkRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ChunkPayload> {
    this.#requests++;
    for await (const payload of this.#source.fetch(request, options)) {
      this.#bytes += payload.bytes.length;
      yield payload;
    }
  }
}
