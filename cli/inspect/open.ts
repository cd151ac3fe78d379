// Opens an image of either kind to look at it: manifest and config, and the bootstrap of an accelerated one.

import type { Digest, ImageSource, Platform } from '../../core/index.ts';
import {
  type ImageConfig,
  type ImageManifest,
  NYDUS_ANNOTATIONS,
  parseConfig,
  parseManifest,
} from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';
import { openReferenceSource, type ReferenceOptions } from '../compose.ts';
import { readPlatform } from '../settings.ts';

export interface LookedAtImage {
  readonly source: ImageSource;
  readonly platform: Platform;
  readonly manifestDigest: Digest;
  readonly indexDigest?: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly isAccelerated: boolean;
}

/** Where an index has both kinds, the accelerated one is looked at. */
export async function openToLookAt(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): Promise<LookedAtImage> {
  const { signal } = context;
  const source = openReferenceSource(context, reference, options);
  const platform = readPlatform(options.platform);
  const { bytes, digest, indexDigest } = await source.manifest(platform, { signal, prefer: 'nydus' });
  const manifest = parseManifest(bytes, source.name);
  const config = parseConfig(await source.document(manifest.config, { signal }), source.name);
  return {
    source,
    platform,
    manifestDigest: digest,
    ...(indexDigest !== undefined && { indexDigest }),
    manifest,
    config,
    isAccelerated: manifest.layers.at(-1)?.annotations?.[NYDUS_ANNOTATIONS.bootstrap] === 'true',
  };
}
