// The index of a conversion: of several platforms, or of originals beside their accelerated forms. Pure.

import { type IndexEntry, MEDIA_TYPES, NYDUS_MEDIA_TYPES, NYDUS_OS_FEATURE } from '../registry/index.ts';
import type { TargetFormat } from './config.ts';
import type { ListedImage } from './image-list.ts';

/**
 * How an accelerated image is marked beside its original (nydus.md §1.32): the artifact type that stock snapshotters
 * look for, and the older mark in the platform's features, which also tells Docker's lists apart.
 */
export function mergedPlatform({ platform }: ListedImage): Pick<IndexEntry, 'platform' | 'artifactType'> {
  const features = [...(platform['os.features'] ?? []), NYDUS_OS_FEATURE];
  return { platform: { ...platform, 'os.features': features }, artifactType: NYDUS_MEDIA_TYPES.manifestArtifact };
}

export function indexDocument(
  entries: readonly IndexEntry[],
  format: TargetFormat,
  annotations: Readonly<Record<string, string>> | undefined,
): { readonly bytes: Uint8Array; readonly mediaType: string } {
  const mediaType = format === 'docker' ? MEDIA_TYPES.dockerIndex : MEDIA_TYPES.ociIndex;
  const index = { schemaVersion: 2, mediaType, manifests: entries, ...(annotations && { annotations }) };
  return { bytes: Buffer.from(JSON.stringify(index)), mediaType };
}
