// Converts several platforms of one image, one after another, into an index; and, for a merged index, puts each original
// beside its accelerated form, so that one reference serves runtimes that know the format and those that do not
// (nydus.md §1.32). The target's name moves once, at the end.

import {
  type Clock,
  type Descriptor,
  type Digest,
  type ImageSink,
  type ImageSource,
  type NamedSource,
  type Platform,
  ShoalError,
  systemClock,
} from '../core/index.ts';
import { formatPlatform, type IndexEntry, parseIndex } from '../registry/index.ts';
import { type ConvertOptions, convertImage } from './convert.ts';
import { copyImage } from './image-copy.ts';
import { type ImageList, isIndexDocument, type LeftOut, type ListedImage } from './image-list.ts';
import { indexDocument, mergedPlatform } from './index-document.ts';
import type { ConvertProgress } from './layers-conversion.ts';
import type { ConvertReport } from './report.ts';

export interface IndexProgress extends ConvertProgress {
  readonly platform: string;
}

export interface ConvertIndexOptions extends Omit<ConvertOptions, 'source' | 'platform' | 'onProgress' | 'isMerged'> {
  readonly source: NamedSource;
  /** What to convert, from `listImages`. */
  readonly list: ImageList;
  readonly platform: Platform | 'all';
  /** Put the originals into the index, too. */
  readonly mergeIndex: boolean;
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined;
  /** Bytes of originals that were copied. */
  readonly onCopied?: ((bytes: number) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface PlatformReport extends ConvertReport {
  readonly platform: string;
}

export interface IndexReport {
  readonly source: ConvertReport['source'];
  /** The index. */
  readonly target: ConvertReport['target'];
  readonly isMerged: boolean;
  readonly platforms: readonly PlatformReport[];
  readonly leftOut: readonly LeftOut[];
  readonly elapsedMs: number;
}

/** Rejects as `convertImage`; `not-found` when there is nothing to convert. All or nothing, as far as names go. */
export async function convertIndex(options: ConvertIndexOptions): Promise<IndexReport> {
  const { source, sink, list, signal, clock = systemClock } = options;
  if (options.mergeIndex && options.format === 'docker') {
    throw new ShoalError('usage', 'a merged index has the OCI format: Docker manifest lists know no artifact types');
  }
  const started = clock.monotonic();
  const platforms: PlatformReport[] = [];
  const entries: IndexEntry[] = [];
  const chosen = await chosenImages(options);
  const converted = new Map<Digest, Awaited<ReturnType<typeof convertOne>>>();
  for (const image of chosen) {
    const { digest } = image.descriptor;
    const known = converted.get(digest);
    const { report, descriptor } = known ?? (await convertOne(image, options));
    converted.set(digest, { report, descriptor });
    platforms.push({ platform: formatPlatform(image.platform), ...report });
    if (options.mergeIndex) {
      const { onCopied } = options;
      if (!known) await copyImage(image.descriptor, { source, sink, signal, onBytes: onCopied });
      entries.push({ ...image.descriptor, platform: image.platform });
    }
    entries.push({ ...descriptor, ...(options.mergeIndex ? mergedPlatform(image) : { platform: image.platform }) });
  }
  const { bytes, mediaType } = indexDocument(entries, options.format ?? 'oci', annotationsOf(list, source.name));
  const digest = await sink.putManifest(bytes, mediaType, { signal });
  return {
    source: { name: source.name, digest: list.root.digest },
    target: { name: sink.name, digest },
    isMerged: options.mergeIndex,
    platforms,
    leftOut: [...list.leftOut, ...notAskedFor(list, chosen)],
    elapsedMs: clock.monotonic() - started,
  };
}

async function chosenImages({ source, list, platform, signal }: ConvertIndexOptions): Promise<readonly ListedImage[]> {
  if (platform !== 'all') {
    const { digest } = await source.manifest(platform, { signal });
    const found = list.images.filter(image => image.descriptor.digest === digest);
    const exact = found.filter(image => formatPlatform(image.platform) === formatPlatform(platform));
    const [best] = [...exact, ...found];
    if (best) return [best];
  } else if (list.images.length > 0) {
    return list.images;
  }
  const reasons = [...new Set(list.leftOut.map(({ reason }) => reason))].join('; ');
  throw new ShoalError('not-found', `${source.name}: no image to convert${reasons && `; left out: ${reasons}`}`);
}

/** Images that could have been converted. Where the target takes the original's name, it does not serve them any more. */
function notAskedFor({ images }: ImageList, chosen: readonly ListedImage[]): readonly LeftOut[] {
  return images
    .filter(image => !chosen.includes(image))
    .map(({ descriptor: { digest }, platform }) => ({
      reason: `${formatPlatform(platform)}: not the platform that was asked for (--platform all takes every one)`,
      digest,
    }));
}

/** Converts one platform; its manifest gets no name, the index will name it. */
async function convertOne(
  image: ListedImage,
  options: ConvertIndexOptions,
): Promise<{ readonly report: ConvertReport; readonly descriptor: Descriptor }> {
  const { source, sink, onProgress, mergeIndex } = options;
  const platform = formatPlatform(image.platform);
  const unnamed = new UnnamedSink(sink);
  const report = await convertImage({
    ...options,
    source: sourceOf(image, source),
    sink: unnamed,
    platform: image.platform,
    isMerged: mergeIndex,
    onProgress: onProgress && (progress => onProgress({ ...progress, platform })),
  });
  if (!unnamed.manifest) throw new ShoalError('internal', `${source.name}: a conversion without a manifest`);
  return { report, descriptor: unnamed.manifest };
}

/** The one image of an index, as a source whose platform is decided. */
function sourceOf({ descriptor, platform }: ListedImage, source: ImageSource): ImageSource {
  const { digest, mediaType } = descriptor;
  return {
    name: `${source.name} (${formatPlatform(platform)})`,
    manifest: async (_platform, options) => ({ digest, mediaType, bytes: await source.document(descriptor, options) }),
    document: (...args) => source.document(...args),
    blob: (...args) => source.blob(...args),
  };
}

class UnnamedSink implements ImageSink {
  readonly name: string;
  readonly #sink: ImageSink;
  manifest: Descriptor | undefined;

  constructor(sink: ImageSink) {
    this.name = sink.name;
    this.#sink = sink;
  }

  hasBlob(...args: Parameters<ImageSink['hasBlob']>): Promise<boolean> {
    return this.#sink.hasBlob(...args);
  }

  putBlob(...args: Parameters<ImageSink['putBlob']>): ReturnType<ImageSink['putBlob']> {
    return this.#sink.putBlob(...args);
  }

  async putManifest(
    bytes: Uint8Array,
    mediaType: string,
    options: Parameters<ImageSink['putManifest']>[2],
  ): Promise<Digest> {
    const digest = await this.#sink.putManifest(bytes, mediaType, { ...options, untagged: true });
    this.manifest = { mediaType, digest, size: bytes.length };
    return digest;
  }
}

/** What the source's index says about itself goes on; a lone manifest's annotations go with the manifest. */
function annotationsOf({ root }: ImageList, what: string): Readonly<Record<string, string>> | undefined {
  return isIndexDocument(root, what) ? parseIndex(root.bytes, what).annotations : undefined;
}
