// Which images an index holds, for conversions of all of them: every platform once; and what is left out, with the reason.

import { type Descriptor, type Digest, type FetchedManifest, type NamedSource, ShoalError } from '../core/index.ts';
import {
  describeDocument,
  type EntryPlatform,
  formatPlatform,
  type IndexEntry,
  isArtifact,
  isIndexType,
  isNydus,
  parseConfig,
  parseIndex,
  parseManifest,
} from '../registry/index.ts';

export interface ListedImage {
  readonly platform: EntryPlatform;
  readonly descriptor: Descriptor;
}

/** Why an entry of an index is not converted, in words for people. */
export interface LeftOut {
  readonly reason: string;
  readonly digest: Digest;
}

export interface ImageList {
  /** What the reference names: the index, or the one manifest. */
  readonly root: FetchedManifest;
  readonly images: readonly ListedImage[];
  readonly leftOut: readonly LeftOut[];
}

const ATTESTATION_REASON = 'an attestation about one of the images, no image';

/** Indexes within indexes; more is a loop or an attack (index-choice.ts of registry/ has the same limit). */
const MAX_DEPTH = 4;
/** Public images have some twenty; each is a whole conversion. */
const MAX_IMAGES = 100;
/** Entries of all indexes, those that are left out too; each index costs a request. */
const MAX_ENTRIES = 1000;
/** buildkit marks attestation manifests by this annotation, and gives them the platform unknown/unknown. */
const ATTESTATION_ANNOTATION = 'vnd.docker.reference.type';
const UNKNOWN = 'unknown';

/** Throws `malformed`, `limit`, and what the source throws. */
export async function listImages(source: NamedSource, signal: AbortSignal): Promise<ImageList> {
  const root = await source.named({ signal });
  /** By digest and platform: an index may give one manifest to several platforms. */
  const images = new Map<string, ListedImage>();
  const leftOut = new Map<Digest, LeftOut>();
  let visited = 0;
  const visit = async (entry: IndexEntry, bytes: Uint8Array | undefined, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw new ShoalError('malformed', `${source.name}: more than ${MAX_DEPTH} nested indexes`);
    if (++visited > MAX_ENTRIES) throw new ShoalError('limit', `${source.name}: an index of more than ${MAX_ENTRIES}`);
    const { digest, mediaType, size } = entry;
    const reason = reasonToLeaveOut(entry);
    if (reason !== undefined) {
      leftOut.set(digest, { reason, digest });
      return;
    }
    const isIndex = bytes ? describeDocument(bytes, mediaType, source.name).kind === 'index' : isIndexType(mediaType);
    if (isIndex) {
      const index = parseIndex(bytes ?? (await source.document(entry, { signal })), source.name);
      for (const child of index.manifests) await visit(child, undefined, depth + 1);
      return;
    }
    const platform =
      entry.platform ?? (await platformOfConfig(source, bytes ?? (await source.document(entry, { signal })), signal));
    const other = otherSystem(platform);
    if (other === undefined) {
      images.set(`${digest} ${formatPlatform(platform)}`, { platform, descriptor: { mediaType, digest, size } });
    } else {
      leftOut.set(digest, { reason: other, digest });
    }
    if (images.size > MAX_IMAGES) throw new ShoalError('limit', `${source.name}: more than ${MAX_IMAGES} images`);
  };
  await visit({ mediaType: root.mediaType, digest: root.digest, size: root.bytes.length }, root.bytes, 0);
  return { root, images: [...images.values()], leftOut: [...leftOut.values()] };
}

export function isIndexDocument({ bytes, mediaType }: FetchedManifest, what: string): boolean {
  return describeDocument(bytes, mediaType, what).kind === 'index';
}

/** Attestation manifests that stand in the index itself. */
export function countAttestations(root: FetchedManifest, what: string): number {
  if (!isIndexDocument(root, what)) return 0;
  return parseIndex(root.bytes, what).manifests.filter(isAttestation).length;
}

function isAttestation({ platform, annotations }: IndexEntry): boolean {
  const isUnknown = platform?.os === UNKNOWN && platform.architecture === UNKNOWN;
  return isUnknown || annotations?.[ATTESTATION_ANNOTATION] !== undefined;
}

function reasonToLeaveOut(entry: IndexEntry): string | undefined {
  if (isAttestation(entry)) return ATTESTATION_REASON;
  if (isArtifact(entry)) return `an artifact (${JSON.stringify(entry.artifactType?.slice(0, 100))}), no image`;
  return isNydus(entry) ? 'an accelerated image already' : undefined;
}

/** Nobody mounts the files of other systems by way of Linux's file systems. */
function otherSystem(platform: EntryPlatform): string | undefined {
  return platform.os === 'linux' ? undefined : `${formatPlatform(platform)}: only images for Linux can be mounted`;
}

/** What an index does not say, and a lone manifest has nobody to say, stands in the config. */
async function platformOfConfig(
  source: NamedSource,
  manifestBytes: Uint8Array,
  signal: AbortSignal,
): Promise<EntryPlatform> {
  const manifest = parseManifest(manifestBytes, source.name);
  const { os, architecture, variant } = parseConfig(await source.document(manifest.config, { signal }), source.name);
  return { os, architecture, ...(variant !== undefined && { variant }) };
}
