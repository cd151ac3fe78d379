// Image references: what people type to name an image. Parsed once here; everything behind works on the union type.
// Forms: `docker://HOST/REPO[:TAG][@DIGEST]`, the same bare with Docker's defaults, `oci:DIR[:TAG][@DIGEST]`,
// `oci-archive:FILE[:TAG][@DIGEST]`, `docker-archive:FILE[:REF]`.

import type { Digest } from '../core/index.ts';
import { isDigest, ShoalError } from '../core/index.ts';

/** An image in a registry. With a digest the tag is only decoration: the digest decides. */
export interface RegistryReference {
  readonly kind: 'registry';
  /** `name[:port]`; Docker Hub is `docker.io`, whatever alias was typed. */
  readonly host: string;
  readonly repository: string;
  /** Present unless the reference has only a digest; `latest` when neither was typed. */
  readonly tag?: string;
  readonly digest?: Digest;
}

/** An image in an OCI layout directory of this machine. */
export interface LayoutReference {
  readonly kind: 'layout';
  /** As typed; relative to the working directory of whoever opens it. */
  readonly directory: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** An image in a tar file of this machine: a tar of an OCI layout, or what `docker save` writes. */
export interface ArchiveReference {
  readonly kind: 'archive';
  readonly format: 'oci' | 'docker';
  /** As typed; relative to the working directory of whoever opens it. */
  readonly file: string;
  /** Names the image in the archive. In Docker's archives it is a whole `HOST/REPO:TAG`. */
  readonly tag?: string;
  readonly digest?: Digest;
}

export type ImageReference = RegistryReference | LayoutReference | ArchiveReference;

/** Grammar of the distribution specification, "Pulling manifests", and of Docker's reference package. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
/** Docker refuses longer names; so do registries. */
const MAX_REPOSITORY_CHARS = 255;

export const DOCKER_HUB = 'docker.io';
export const DOCKER_HUB_ALIASES: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);
const DEFAULT_TAG = 'latest';

const KNOWN_FORMS = 'docker://HOST/REPO:TAG, oci:DIR:TAG, oci-archive:FILE:TAG and docker-archive:FILE:REF';

/** Parses what a person typed. Throws `usage` with the part that is wrong. */
export function parseReference(text: string): ImageReference {
  if (text.startsWith('oci:')) return parseLayout(text);
  if (text.startsWith('oci-archive:')) return parseOciArchive(text);
  if (text.startsWith('docker-archive:')) return parseDockerArchive(text);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(text);
  if (scheme && scheme[1] !== 'docker') {
    throw refused(text, `unknown scheme ${scheme[1]}://; known are ${KNOWN_FORMS}`);
  }
  return parseRegistry(text, scheme ? text.slice('docker://'.length) : text);
}

/** Prints a reference so that `parseReference` gives it back: `host/repo:tag@digest`, `oci:dir:tag`. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${placeOf(reference)}${tag}${digest}`;
}

/** The reference without tag and digest. */
function placeOf(reference: ImageReference): string {
  switch (reference.kind) {
    case 'registry':
      return `${reference.host}/${reference.repository}`;
    case 'layout':
      return `oci:${reference.directory}`;
    case 'archive':
      return `${reference.format}-archive:${reference.file}`;
  }
}

function parseLayout(text: string): LayoutReference {
  const { path, ...named } = splitPath(text, text.slice('oci:'.length));
  if (isNoPath(path)) throw refused(text, 'oci: needs a directory, as in oci:DIR:TAG');
  return { kind: 'layout', directory: path, ...named };
}

function parseOciArchive(text: string): ArchiveReference {
  const { path, ...named } = splitPath(text, text.slice('oci-archive:'.length));
  if (isNoPath(path)) throw refused(text, 'oci-archive: needs a file, as in oci-archive:FILE:TAG');
  return { kind: 'archive', format: 'oci', file: path, ...named };
}

/** What follows the first colon is the image's whole name, which may hold colons: the file's name may not. */
function parseDockerArchive(text: string): ArchiveReference {
  const body = text.slice('docker-archive:'.length);
  const colon = body.indexOf(':');
  const file = colon < 0 ? body : body.slice(0, colon);
  if (isNoPath(file)) throw refused(text, 'docker-archive: needs a file, as in docker-archive:FILE:REPO:TAG');
  if (colon < 0) return { kind: 'archive', format: 'docker', file };
  const image = parseRegistry(text, body.slice(colon + 1));
  if (image.digest !== undefined) throw refused(text, 'images in a docker-archive have no digest to be named by');
  return { kind: 'archive', format: 'docker', file, tag: formatReference(image) };
}

function isNoPath(path: string): boolean {
  return path === '' || path.includes('\0');
}

/** A path may hold colons itself, so only the last one can start a tag, and only if a tag follows. */
function splitPath(text: string, body: string): { path: string; tag?: string; digest?: Digest } {
  const { rest, digest } = splitDigest(text, body);
  const colon = rest.lastIndexOf(':');
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const hasTag = tag !== undefined && TAG.test(tag);
  return { path: hasTag ? rest.slice(0, colon) : rest, ...(hasTag && { tag }), ...(digest && { digest }) };
}

/** `USER:PASSWORD@HOST/…`, as in addresses; a digest has no slash behind its `@`. */
const WITH_CREDENTIALS = /^[^@/]*:.*@[^@]*\//;

function parseRegistry(text: string, body: string): RegistryReference {
  if (WITH_CREDENTIALS.test(body)) {
    // Not quoted: it holds a password.
    throw new ShoalError('usage', 'image reference: holds a user name and password; give them with --creds instead');
  }
  const { rest, digest } = splitDigest(text, body);
  const { host, path } = splitHost(rest);
  if (!HOST.test(host) || !URL.canParse(`https://${host}`))
    throw refused(text, `${JSON.stringify(host)} is no host name`);
  const colon = path.indexOf(':');
  const named = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) throw refused(text, `${JSON.stringify(tag)} is no tag`);
  const repository = host === DOCKER_HUB && !named.includes('/') ? `library/${named}` : named;
  if (repository.length > MAX_REPOSITORY_CHARS || !REPOSITORY.test(repository)) {
    throw refused(text, `${JSON.stringify(named)} is no repository name (lower-case letters, digits and . _ - /)`);
  }
  if (digest !== undefined) return { kind: 'registry', host, repository, ...(tag !== undefined && { tag }), digest };
  return { kind: 'registry', host, repository, tag: tag ?? DEFAULT_TAG };
}

/** The part before the first slash is a host only if it looks like one: Docker's rule for bare names. */
function splitHost(text: string): { host: string; path: string } {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  if (first === '' || !(first === 'localhost' || /[.:]/.test(first))) return { host: DOCKER_HUB, path: text };
  const host = DOCKER_HUB_ALIASES.has(first) ? DOCKER_HUB : first;
  return { host, path: text.slice(slash + 1) };
}

function splitDigest(text: string, body: string): { rest: string; digest?: Digest } {
  const at = body.lastIndexOf('@');
  const digest = at < 0 ? '' : body.slice(at + 1);
  if (isDigest(digest)) return { rest: body.slice(0, at), digest };
  if (at >= 0 && !/^(oci|oci-archive):/.test(text)) {
    throw refused(text, `${JSON.stringify(digest)} is no digest (sha256: and 64 hex digits)`);
  }
  return { rest: body };
}

function refused(text: string, why: string): ShoalError {
  return new ShoalError('usage', `image reference ${JSON.stringify(text.slice(0, 300))}: ${why}`);
}
