// Which chunks the image has already, by digest: the deduplication of a conversion.

/** A chunk's address in the image: the position of its blob and its number there. */
export interface ChunkAddress {
  readonly blob: number;
  readonly chunk: number;
}

/** 2^24, the most chunks that a blob can have: blob × this + chunk is one exact number. */
const CHUNKS_PER_BLOB = 1 << 24;

/**
 * Equal digests mean equal contents, so equal sizes too: the digest (in hex) alone is the key. One entry takes about 110
 * bytes, a fifth of what the tree needs for a small file.
 */
export class ChunkIndex {
  readonly #addresses = new Map<string, number>();

  find(digest: string): ChunkAddress | undefined {
    const address = this.#addresses.get(digest);
    if (address === undefined) return undefined;
    return { blob: Math.floor(address / CHUNKS_PER_BLOB), chunk: address % CHUNKS_PER_BLOB };
  }

  add(digest: string, address: ChunkAddress): void {
    this.#addresses.set(digest, address.blob * CHUNKS_PER_BLOB + address.chunk);
  }
}
