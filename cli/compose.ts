// The composition root: the one place where folders meet. Opens images by what a person typed, gives the daemon its
// view of them, and builds the daemon out of its parts.

import { type BlobLayout, type ChunkSource, type ImageSource, systemClock } from '../core/index.ts';
import { Daemon, type DaemonOptions, type ImageLibrary } from '../daemon/index.ts';
import { BootstrapReader } from '../image/index.ts';
import * as registry from '../registry/index.ts';
import { type AcceleratedImage, openAcceleratedImage } from './accelerated-image.ts';
import type { CommandContext } from './command.ts';
import { insistingOn } from './platform-check.ts';
import { readPlatform } from './settings.ts';

/** Options of every command that names an image. */
export interface ReferenceOptions {
  readonly platform?: string;
  readonly plainHttp?: boolean;
}

/** An accelerated image, opened for commands that read it without a daemon. */
export interface OpenedImage extends AcceleratedImage {
  readonly source: ImageSource;
  readonly origin: ChunkSource;
  readonly reader: BootstrapReader;
  readonly blobs: readonly BlobLayout[];
}

export function openReferenceSource(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): ImageSource {
  const source = registry.openSource(reference, { access: context.registry, plainHttp: options.plainHttp });
  return options.platform === undefined ? source : insistingOn(readPlatform(options.platform), source);
}

/** `mountFrom` names the image whose blobs the target's registry may have already. For the caller to dispose. */
export function openReferenceSink(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions & { readonly mountFrom?: string },
): registry.OpenedSink {
  const { plainHttp, mountFrom } = options;
  return registry.openSink(reference, { access: context.registry, plainHttp, mountFrom });
}

/** The reference as a daemon with another working directory must get it. Throws `usage`. */
export function absoluteReference(reference: string): string {
  const absolute = registry.absoluteReference(reference);
  return registry.formatReference(absolute);
}

export async function openLazily(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): Promise<OpenedImage> {
  const source = openReferenceSource(context, reference, options);
  const image = await openAcceleratedImage(source, readPlatform(options.platform), context.signal);
  const reader = new BootstrapReader(image.bootstrap);
  const origin = registry.openOrigin(reference, { access: context.registry, plainHttp: options.plainHttp });
  return { ...image, source, origin, reader, blobs: reader.blobLayouts(image.layers) };
}

/** Only the config of an image: what `run` needs to know before anything is mounted. */
export async function openConfig(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): Promise<registry.ImageConfig> {
  const source = openReferenceSource(context, reference, options);
  const { signal } = context;
  const fetched = await source.manifest(readPlatform(options.platform), { signal, prefer: 'nydus' });
  const manifest = registry.parseManifest(fetched.bytes, source.name);
  return registry.parseConfig(await source.document(manifest.config, { signal }), source.name);
}

/** How the daemon sees images. */
function imageLibrary(access: registry.RegistryAccess): ImageLibrary {
  return {
    async open({ reference, platform, plainHttp }, { signal }) {
      const source = registry.openSource(reference, { access, plainHttp });
      const insisting = platform === undefined ? source : insistingOn(platform, source);
      const image = await openAcceleratedImage(insisting, platform ?? readPlatform(undefined), signal);
      const origin = registry.openOrigin(reference, { access, plainHttp });
      return { ...image, reference: image.name, origin };
    },
  };
}

export function composeDaemon(context: CommandContext, options: Pick<DaemonOptions, 'exitWhenIdle'>): Daemon {
  return new Daemon(
    { clock: systemClock, log: context.log, library: imageLibrary(context.registry) },
    { root: context.settings.root, ...options },
  );
}
