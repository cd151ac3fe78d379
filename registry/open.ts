// From a reference to the right implementation. The command line and the daemon's composition come in here.

import { resolve } from 'node:path';
import type { ChunkSource, ImageSink, ImageSource } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import type { BlobReader } from './blob-reader.ts';
import { LayoutSink } from './layout-sink.ts';
import { LayoutSource } from './layout-source.ts';
import { OriginSource } from './origin.ts';
import type { ImageReference } from './reference.ts';
import { formatReference, parseReference } from './reference.ts';
import type { RegistryAccess } from './registry-client.ts';
import { RegistryClient } from './registry-client.ts';
import { RegistrySink } from './registry-sink.ts';
import { RegistrySource } from './registry-source.ts';

export interface OpenOptions {
  readonly access: RegistryAccess;
  /** Speak HTTP without TLS to the registry. Default: no. Never guessed. */
  readonly plainHttp?: boolean | undefined;
}

export interface OpenSinkOptions extends OpenOptions {
  /** An image whose blobs may be mounted instead of transferred, when it is in the same registry. */
  readonly mountFrom?: ImageReference | string | undefined;
}

export type OpenedSink = ImageSink & AsyncDisposable;

/** Opens an image for reading. Touches neither network nor disk yet. Throws `usage` for a bad reference. */
export function openSource(reference: ImageReference | string, options: OpenOptions): ImageSource & BlobReader {
  const parsed = parsedReference(reference);
  if (parsed.kind === 'layout') return new LayoutSource(parsed);
  return new RegistrySource(
    parsed,
    new RegistryClient(parsed, options.access, { plainHttp: options.plainHttp === true }),
  );
}

/** The chunks of an image's blobs, from where the image is. */
export function openOrigin(reference: ImageReference | string, options: OpenOptions): ChunkSource {
  return new OriginSource(openSource(reference, options));
}

/**
 * Opens an image for writing. Touches neither network nor disk yet. Dispose it when the image is complete or given up:
 * what is not complete then goes. Throws `usage` for a bad reference.
 */
export function openSink(reference: ImageReference | string, options: OpenSinkOptions): OpenedSink {
  const parsed = parsedReference(reference);
  if (parsed.digest !== undefined) {
    throw new ShoalError('usage', `${formatReference(parsed)}: a target is named by a tag, not by a digest`);
  }
  if (parsed.kind === 'layout') return new LayoutSink(parsed, options.access.clock);
  const client = new RegistryClient(parsed, options.access, { plainHttp: options.plainHttp === true });
  const from = options.mountFrom === undefined ? undefined : parsedReference(options.mountFrom);
  const sameRegistry = from?.kind === 'registry' && from.host === parsed.host;
  return new RegistrySink(parsed, client, { mountFrom: sameRegistry ? from.repository : undefined });
}

/** The same reference, independent of the working directory: what a daemon can be told. */
export function absoluteReference(reference: ImageReference | string): ImageReference {
  const parsed = parsedReference(reference);
  return parsed.kind === 'layout' ? { ...parsed, directory: resolve(parsed.directory) } : parsed;
}

function parsedReference(reference: ImageReference | string): ImageReference {
  return typeof reference === 'string' ? parseReference(reference) : reference;
}
