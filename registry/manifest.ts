// Manifests, indexes and image configs of OCI and of Docker schema 2: parsed and checked once, here at the edge. Their
// digests have been checked before (registry-source.ts, oci-layout.ts): the bytes are what was named, but whoever
// built the image may still have written anything.

import { z } from 'zod';
import type { Descriptor, Digest, Platform } from '../core/index.ts';
import { isDigest, ShoalError } from '../core/index.ts';

export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
} as const;

/** Layer media type to how its tar is compressed. A layer of any other type is not one that can be unpacked. */
export const LAYER_COMPRESSION: ReadonlyMap<string, 'none' | 'gzip' | 'zstd'> = new Map([
  [MEDIA_TYPES.ociLayer, 'none'],
  [MEDIA_TYPES.ociLayerGzip, 'gzip'],
  [MEDIA_TYPES.ociLayerZstd, 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
  [MEDIA_TYPES.dockerLayer, 'none'],
  [MEDIA_TYPES.dockerLayerGzip, 'gzip'],
  [MEDIA_TYPES.dockerLayerZstd, 'zstd'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
]);

/** What to accept from a registry, in order of preference. */
export const ACCEPTED_MANIFESTS: readonly string[] = [
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.dockerManifest,
];

export interface ImageManifest {
  readonly schemaVersion: 2;
  /** Absent in some OCI manifests; then the descriptor's or the registry's answer names it. */
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EntryPlatform extends Platform {
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

export interface IndexEntry extends Descriptor {
  readonly platform?: EntryPlatform;
  readonly artifactType?: string;
}

export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly IndexEntry[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How the image wants to be run. Names as in the image specification. */
export interface RuntimeConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True for steps that made no layer. */
  readonly empty_layer?: boolean;
}

/** Fields that are not listed are kept on the object, so that a rewritten config loses nothing. */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly created?: string;
  readonly config?: RuntimeConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

const text = z.string();
const texts = z.array(text);
/** Names of kinds, which commands print as they are: nothing that a terminal would obey. */
const word = text.regex(/^\P{Cc}*$/u, { error: 'expected no control characters' });
const annotations = z.record(text, text);
const digest = z.custom<Digest>(value => typeof value === 'string' && isDigest(value), {
  error: 'expected sha256: and 64 hex digits',
});
/** `z.int` is a safe integer: offsets computed from sizes stay exact. */
const size = z.int().nonnegative();

const descriptorSchema = z.looseObject({
  mediaType: word,
  digest,
  size,
  annotations: annotations.exactOptional(),
});

const platformSchema = z.looseObject({
  os: word,
  architecture: word,
  variant: word.exactOptional(),
  'os.version': text.exactOptional(),
  'os.features': texts.exactOptional(),
});

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: word.exactOptional(),
  artifactType: word.exactOptional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).default([]),
  subject: descriptorSchema.exactOptional(),
  annotations: annotations.exactOptional(),
});

const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: word.exactOptional(),
  manifests: z
    .array(descriptorSchema.extend({ platform: platformSchema.exactOptional(), artifactType: word.exactOptional() }))
    .default([]),
  annotations: annotations.exactOptional(),
});

const configSchema = z.looseObject({
  os: word,
  architecture: word,
  variant: word.exactOptional(),
  created: text.exactOptional(),
  config: z
    .looseObject({
      User: text.exactOptional(),
      Env: texts.exactOptional(),
      Entrypoint: texts.exactOptional(),
      Cmd: texts.exactOptional(),
      WorkingDir: text.exactOptional(),
      Labels: annotations.exactOptional(),
      StopSignal: text.exactOptional(),
    })
    .exactOptional(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(digest).default([]) }),
  history: z
    .array(
      z.looseObject({
        created: text.exactOptional(),
        created_by: text.exactOptional(),
        author: text.exactOptional(),
        comment: text.exactOptional(),
        empty_layer: z.boolean().exactOptional(),
      }),
    )
    .exactOptional(),
});

/** Parses a manifest. `what` names the image in errors. Throws `malformed`, or `unsupported` for Docker schema 1. */
export function parseManifest(bytes: Uint8Array, what: string): ImageManifest {
  return checked(manifestSchema, parseDocument(bytes, what, 'manifest'), `${what}: manifest`);
}

/** Parses an index or a Docker manifest list. Throws `malformed`. */
export function parseIndex(bytes: Uint8Array, what: string): ImageIndex {
  return checked(indexSchema, parseDocument(bytes, what, 'index'), `${what}: index`);
}

/** Parses an image config. Throws `malformed`. */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  return checked(configSchema, parseJson(bytes, `${what}: config`), `${what}: config`);
}

/**
 * What a document is and what media type it has: its own `mediaType` if it has one, else the one that was `claimed` for
 * it, else OCI's. A document that could be read both as an index and as a manifest is refused, since two readers of one digest would
 * see two images (CVE-2021-41190). Throws `malformed`.
 */
export function describeDocument(
  bytes: Uint8Array,
  claimed: string,
  what: string,
): { readonly kind: 'index' | 'manifest'; readonly mediaType: string } {
  const document = parseObject(bytes, `${what}: manifest`);
  const isIndex = 'manifests' in document;
  if (isIndex && ('layers' in document || 'config' in document || 'fsLayers' in document)) {
    throw new ShoalError('malformed', `${what}: manifest is both an index (manifests) and a manifest (config, layers)`);
  }
  const own = document['mediaType'];
  const assumed = claimed || (isIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest);
  return { kind: isIndex ? 'index' : 'manifest', mediaType: typeof own === 'string' && own !== '' ? own : assumed };
}

const INDEX_TYPES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex];
const MANIFEST_TYPES: readonly string[] = [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest];

/** Is this the media type of an index or a manifest, which registries keep apart from other blobs? */
export function isManifestType(mediaType: string): boolean {
  return INDEX_TYPES.includes(mediaType) || MANIFEST_TYPES.includes(mediaType);
}

/** Is this the media type of an index (OCI's) or a manifest list (Docker's)? */
export function isIndexType(mediaType: string): boolean {
  return INDEX_TYPES.includes(mediaType);
}

function parseDocument(bytes: Uint8Array, what: string, kind: 'index' | 'manifest'): unknown {
  const document = parseObject(bytes, `${what}: ${kind}`);
  if (document['schemaVersion'] === 1) {
    throw new ShoalError('unsupported', `${what}: Docker schema 1 manifests are not supported; push the image again`);
  }
  const found = describeDocument(bytes, '', what);
  const wanted = kind === 'index' ? INDEX_TYPES : MANIFEST_TYPES;
  if (found.kind !== kind || !wanted.includes(found.mediaType)) {
    const said = String(document['mediaType'] ?? found.kind).slice(0, 200);
    throw new ShoalError('malformed', `${what}: expected an image ${kind}, found a ${said}`);
  }
  return document;
}

function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(parseJson(bytes, what));
  if (!parsed.success) throw new ShoalError('malformed', `${what} is no JSON object`);
  return parsed.data;
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Programs in Go write absent lists and maps as null: an absent field and a null one mean the same.
    return JSON.parse(json, (_key, value: unknown) => (value === null ? undefined : value));
  } catch (error) {
    throw new ShoalError('malformed', `${what} is no valid JSON`, { cause: error });
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.map(String).join('.') ?? '';
  throw new ShoalError('malformed', `${what} is wrong at ${where || 'its top'}: ${issue?.message ?? 'unknown'}`, {
    cause: result.error,
  });
}
