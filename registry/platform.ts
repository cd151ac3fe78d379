// Which machine an image is for, and which entry of an index serves a machine best. Pure functions.

import type { ManifestPreference, Platform } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { type IndexEntry, MEDIA_TYPES } from './manifest.ts';
import { NYDUS_MEDIA_TYPES, NYDUS_OS_FEATURE } from './nydus-media.ts';

/** Node's `process.arch` to the names that images use (Go's). Where Node has one name, so have they. */
const NODE_ARCHITECTURES: Readonly<Record<string, Platform['architecture']>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** Other common spellings, as `uname -m` prints them. */
const ARCHITECTURE_ALIASES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  i686: '386',
};

/** What a missing variant means. */
const DEFAULT_VARIANTS: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

/** Parses `os/architecture[/variant]` (`--platform`). Throws `usage`. */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([A-Za-z0-9_-]+)(?:\/([A-Za-z0-9.]+))?$/.exec(text);
  const [, os, typed, variant] = match ?? [];
  if (os === undefined || typed === undefined) {
    throw new ShoalError(
      'usage',
      `platform ${JSON.stringify(text)}: expected OS/ARCHITECTURE[/VARIANT], as linux/arm64`,
    );
  }
  return { os, architecture: ARCHITECTURE_ALIASES[typed] ?? typed, ...(variant !== undefined && { variant }) };
}

export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined || platform.variant === '' ? '' : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** The platform of a machine from `process.platform` and `process.arch`. Images for a Mac are Linux images. */
export function platformOf(nodePlatform: string, nodeArch: string): Platform {
  const os = nodePlatform === 'darwin' ? 'linux' : nodePlatform;
  return { os, architecture: NODE_ARCHITECTURES[nodeArch] ?? nodeArch };
}

/**
 * The image that serves `platform` best: same os and architecture, the highest variant that the machine runs, then
 * `prefer`. An entry without a platform counts only when it is the only candidate. Throws `not-found` and lists what
 * there is. `what` names the image.
 */
export function chooseEntry(
  entries: readonly IndexEntry[],
  platform: Platform,
  prefer: ManifestPreference,
  what: string,
): IndexEntry {
  const images = entries.filter(entry => !isArtifact(entry));
  const fitting = images
    .map(entry => ({
      entry,
      variant: runnableVariant(entry, platform),
      preferred: isNydus(entry) === (prefer === 'nydus'),
    }))
    .filter(candidate => candidate.variant !== undefined)
    .sort((a, b) => (b.variant ?? 0) - (a.variant ?? 0) || Number(b.preferred) - Number(a.preferred));
  const best = fitting[0]?.entry;
  if (best) return best;
  const [only, ...others] = images.filter(entry => entry.platform === undefined);
  if (only && others.length === 0) return only;
  const offered = entries.map(entry => {
    if (isArtifact(entry)) return `artifact ${JSON.stringify(entry.artifactType?.slice(0, 100))}`;
    return entry.platform ? formatPlatform(entry.platform) : 'unnamed';
  });
  const list = [...new Set(offered)].slice(0, MAX_LISTED).join(', ');
  throw new ShoalError(
    'not-found',
    `${what}: no image for ${formatPlatform(platform)}; there is: ${list || 'nothing'}`,
  );
}

/** Is this index entry an accelerated image (nydus.md §1.32)? */
export function isNydus(entry: IndexEntry): boolean {
  return (
    entry.artifactType === NYDUS_MEDIA_TYPES.manifestArtifact ||
    entry.platform?.['os.features']?.includes(NYDUS_OS_FEATURE) === true
  );
}

/** What an ordinary image's entry may say: the type of its config (image specification 1.1, "artifactType"). */
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPES.ociConfig,
  MEDIA_TYPES.dockerConfig,
  NYDUS_MEDIA_TYPES.manifestArtifact,
]);

/** Is this index entry something about an image, rather than one? SOCI's indexes stand there with a platform. */
export function isArtifact({ artifactType }: IndexEntry): boolean {
  return artifactType !== undefined && artifactType !== '' && !IMAGE_TYPES.has(artifactType);
}

/** An index may be long; a message should not be. */
const MAX_LISTED = 20;

/** The entry's variant number when this machine runs it: a v8 machine runs v8 and v7, not v9. */
function runnableVariant(entry: IndexEntry, platform: Platform): number | undefined {
  if (entry.platform?.os !== platform.os || entry.platform.architecture !== platform.architecture) return undefined;
  const [offered, wanted] = [variantNumber(entry.platform), variantNumber(platform)];
  if (offered === undefined || wanted === undefined) {
    return (entry.platform.variant ?? '') === (platform.variant ?? '') ? 0 : undefined;
  }
  return offered <= wanted ? offered : undefined;
}

function variantNumber({ architecture, variant }: Platform): number | undefined {
  if (variant === undefined || variant === '') return DEFAULT_VARIANTS[architecture] ?? 0;
  const match = /^v(\d{1,3})$/.exec(variant);
  return match ? Number(match[1]) : undefined;
}
