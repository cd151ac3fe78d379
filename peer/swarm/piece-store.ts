// Where pieces are kept to be served to others and read again: a port, so that tests and simulations keep them in memory.

export interface PieceStore {
  /** A place for the pieces of one blob; `onLost` is told about pieces that had to go, never from within a call. */
  open(onLost: (pieces: readonly number[]) => void): PieceBox;
  /** For `status`. */
  readonly storedBytes: number;
}

export interface PieceBox {
  /**
   * Keeps a piece; it can be read from now on, until `drop` or `onLost`. The bytes are the box's from then on, and nobody
   * may change them. Returns false when there is no room: that is no error.
   */
  put(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Its bytes, which nobody may change; undefined when they are not here (any more). Never rejects. */
  get(piece: number): Promise<Uint8Array | undefined>;
  drop(pieces: readonly number[]): void;
  /** Pieces of a blob in use go last. */
  setInUse(inUse: boolean): void;
  /** Everything goes. Idempotent. */
  close(): void;
}
