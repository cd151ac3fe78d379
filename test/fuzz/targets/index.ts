// Everything that reads what others wrote.

import type { FuzzTarget } from '../fuzzing.ts';
import { cachedChunkTableTarget, chunkTableTarget, tableOfContentsTarget } from './blob-tables.ts';
import { bootstrapTarget } from './bootstrap.ts';
import { controlMessageTarget, dockerConfigTarget, documentTarget } from './documents.ts';
import { compressedLayerTarget, layerTarget } from './layers.ts';
import { pieceAnnotationTarget, pieceTableTarget } from './piece-tables.ts';
import { challengeTarget, platformTarget, referenceTarget } from './texts.ts';

export const TARGETS: readonly FuzzTarget[] = [
  bootstrapTarget,
  chunkTableTarget,
  cachedChunkTableTarget,
  tableOfContentsTarget,
  pieceTableTarget,
  pieceAnnotationTarget,
  layerTarget,
  compressedLayerTarget,
  documentTarget,
  dockerConfigTarget,
  controlMessageTarget,
  referenceTarget,
  platformTarget,
  challengeTarget,
];
