// Names of our own in manifests and layers, beside those of nydus-media.ts. Other tools pass them by.

export const SHOAL_ANNOTATIONS = {
  /** On the bootstrap's layer: digests of its pieces (docs/image-format.md §13). */
  pieces: 'io.shoal.pieces.v1',
} as const;

/** Where the piece table stands in the tar of the bootstrap layer. */
export const SHOAL_PIECES_PATH = 'image/shoal.pieces';
