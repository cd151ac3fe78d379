// The bytes of an image's layers, whole: each layer against its digest, and each of its pieces against what the image says
// of them. A wrong piece table harms no reader, but with it a node takes its honest peers for liars.

import { type Descriptor, type ImageSource, ShoalError, shortDigest } from '../../core/index.ts';
import { type BlobPieces, PieceHasher } from '../../image/index.ts';
import type { OpenedImage } from '../compose.ts';

export interface CheckedLayers {
  readonly problems: readonly string[];
  /** How many were compared with their digests. */
  readonly pieces: number;
}

/** Streams the data layers and the bootstrap's. Throws what the source throws that is not the image's fault. */
export async function checkLayers(image: OpenedImage, signal: AbortSignal): Promise<CheckedLayers> {
  const { source, bootstrapLayer } = image;
  const problems: string[] = [];
  let pieces = 0;
  const layers = [
    ...image.layers.map(descriptor => ({ descriptor, pieces: image.pieces.get(descriptor.digest) })),
    // Read once already, when the image was opened: again for its pieces only.
    ...(bootstrapLayer.pieces ? [bootstrapLayer] : []),
  ];
  for (const layer of layers) {
    const name = `layer ${shortDigest(layer.descriptor.digest)}`;
    try {
      const wrong = await firstWrongPiece(source, layer, signal);
      if (wrong !== undefined) problems.push(`${name}: its piece ${wrong} is not the one of the image's piece digests`);
      pieces += layer.pieces?.count ?? 0;
    } catch (error) {
      problems.push(problemOf(error, name));
    }
  }
  return { problems, pieces };
}

/** Rejects as `ImageSource.blob` does when the layer itself is wrong. */
async function firstWrongPiece(
  source: ImageSource,
  { descriptor, pieces }: { readonly descriptor: Descriptor; readonly pieces?: BlobPieces | undefined },
  signal: AbortSignal,
): Promise<number | undefined> {
  const hasher = new PieceHasher();
  for await (const bytes of source.blob(descriptor, { signal })) hasher.update(bytes);
  return pieces?.firstDifference(hasher.finish());
}

/** What the image is to blame for; errors of the way to it are thrown on. */
export function problemOf(error: unknown, what: string): string {
  if (error instanceof ShoalError && (error.code === 'digest-mismatch' || error.code === 'malformed')) {
    return `${what}: ${error.message}`;
  }
  throw error;
}
