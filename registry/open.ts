// From a reference to the right implementation. The command line and the daemon's composition come in here.

import { resolve } from 'node:path';
import type { ChunkSource, ImageSink, NamedSource, RangeReader, ReferrerSink, ReferrerSource } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { ArchiveSink } from './archive-sink.ts';
import { DockerArchiveStore } from './docker-archive.ts';
import { mirrorEndpoints, registryEndpoint } from './endpoint.ts';
import { LayoutSink } from './layout-sink.ts';
import { LayoutSource } from './layout-source.ts';
import type { LayoutStore } from './layout-store.ts';
import { directoryStore } from './layout-store.ts';
import { Mirror } from './mirror.ts';
import { OciArchiveStore } from './oci-archive.ts';
import { OriginSource } from './origin.ts';
import type { ArchiveReference, ImageReference, RegistryReference } from './reference.ts';
import { formatReference, parseReference } from './reference.ts';
import type { RegistryAccess } from './registry-client.ts';
import { RegistryClient } from './registry-client.ts';
import { RegistrySink } from './registry-sink.ts';
import type { SourcePlaces } from './registry-source.ts';
import { RegistrySource } from './registry-source.ts';
import { Repository } from './repository.ts';

export interface OpenOptions {
  readonly access: RegistryAccess;
  /** Speak HTTP without TLS to the registry. Default: as its settings say, else no. Never guessed. */
  readonly plainHttp?: boolean | undefined;
  /** Take any certificate of the registry. Default: as its settings say, else no. */
  readonly insecure?: boolean | undefined;
}

export interface OpenSinkOptions extends OpenOptions {
  /** An image whose blobs may be mounted instead of transferred, when it is in the same registry. */
  readonly mountFrom?: ImageReference | string | undefined;
}

export type OpenedSource = NamedSource & ReferrerSource & RangeReader;
export type OpenedSink = ImageSink & ReferrerSink & AsyncDisposable;

/** Opens an image for reading. Touches neither network nor disk yet. Throws `usage` for a bad reference or mirror. */
export function openSource(reference: ImageReference | string, options: OpenOptions): OpenedSource {
  const parsed = parsedReference(reference);
  if (parsed.kind === 'layout') {
    return new LayoutSource(parsed, directoryStore(parsed.directory, formatReference(parsed)));
  }
  if (parsed.kind === 'archive') return new LayoutSource(parsed, archiveStore(parsed));
  return new RegistrySource(parsed, places(parsed, options));
}

/** The chunks of an image's blobs, from where the image is: each range from the first place that has it. */
export function openOrigin(reference: ImageReference | string, options: OpenOptions): ChunkSource {
  return new OriginSource(openSource(reference, options));
}

export interface ChunkSources {
  /** To be asked before the origin, in order. What they give may be wrong, when the origin's is not. */
  readonly mirrors: readonly ChunkSource[];
  readonly origin: ChunkSource;
  /**
   * Ranges of the blobs as they are stored, each from the first place that has it: for what is fetched on behalf of other
   * nodes as well. Of a registry only: a layout or an archive is a file of this machine, and not theirs.
   */
  readonly ranges?: RangeReader;
}

/** The same, each place for itself: for whoever verifies chunks, and can so tell which place to ask instead. */
export function openChunkSources(reference: ImageReference | string, options: OpenOptions): ChunkSources {
  const parsed = parsedReference(reference);
  if (parsed.kind !== 'registry') return { mirrors: [], origin: openOrigin(parsed, options) };
  const { mirrors, registry } = places(parsed, options);
  return {
    mirrors: mirrors.map(mirror => new OriginSource(mirror, `mirror ${mirror.host}`, 'mirror')),
    origin: new OriginSource(registry),
    ranges: new RegistrySource(parsed, { mirrors, registry }),
  };
}

/**
 * Opens an image for writing. Touches neither network nor disk yet. Dispose it when the image is complete or given up:
 * what is not complete then goes. Throws `usage` for a bad reference, `unsupported` for a place that cannot hold an
 * accelerated image.
 */
export function openSink(reference: ImageReference | string, options: OpenSinkOptions): OpenedSink {
  const parsed = parsedReference(reference);
  if (parsed.digest !== undefined) {
    throw new ShoalError('usage', `${formatReference(parsed)}: a target is named by a tag, not by a digest`);
  }
  if (parsed.kind === 'layout') return new LayoutSink(parsed, options.access.clock);
  if (parsed.kind === 'archive') return archiveSink(parsed);
  const from = options.mountFrom === undefined ? undefined : parsedReference(options.mountFrom);
  const sameRegistry = from?.kind === 'registry' && from.host === parsed.host;
  return new RegistrySink(parsed, registryClient(parsed, options), {
    mountFrom: sameRegistry ? from.repository : undefined,
  });
}

function places(reference: RegistryReference, options: OpenOptions): SourcePlaces {
  const { access } = options;
  const mirrors = mirrorEndpoints(reference.host, access.hosts).map(endpoint => {
    const repository = new Repository(new RegistryClient(reference, endpoint, access));
    return new Mirror(repository, endpoint, access.mirrors);
  });
  return { mirrors, registry: new Repository(registryClient(reference, options)) };
}

function registryClient(reference: RegistryReference, options: OpenOptions): RegistryClient {
  const { access } = options;
  return new RegistryClient(reference, registryEndpoint(reference.host, options, access.hosts), access);
}

/** The same reference, independent of the working directory: what a daemon can be told. */
export function absoluteReference(reference: ImageReference | string): ImageReference {
  const parsed = parsedReference(reference);
  if (parsed.kind === 'layout') return { ...parsed, directory: resolve(parsed.directory) };
  return parsed.kind === 'archive' ? { ...parsed, file: resolve(parsed.file) } : parsed;
}

function archiveSink(reference: ArchiveReference): ArchiveSink {
  if (reference.format === 'oci') return new ArchiveSink(reference);
  throw new ShoalError(
    'unsupported',
    `${formatReference(reference)}: docker load takes ordinary images only; write an accelerated one to docker://, oci: or oci-archive:`,
  );
}

function archiveStore(reference: ArchiveReference): LayoutStore {
  const name = formatReference(reference);
  if (reference.format === 'oci') return new OciArchiveStore(reference.file, name);
  return new DockerArchiveStore(reference.file, name, reference.tag);
}

function parsedReference(reference: ImageReference | string): ImageReference {
  return typeof reference === 'string' ? parseReference(reference) : reference;
}
