// What refers to an image in a registry: by the referrers API (distribution specification 1.1, "Listing Referrers"),
// in registries without it by the fallback tag, and everywhere by cosign's tags.

import { createHash } from 'node:crypto';
import type { Digest, Referrer, TransferOptions } from '../core/index.ts';
import { digestFromHex, ShoalError } from '../core/index.ts';
import { MAX_DOCUMENT_BYTES, readAll } from './body.ts';
import type { HttpResponse } from './http.ts';
import type { ImageIndex } from './manifest.ts';
import { ACCEPTED_MANIFESTS, MEDIA_TYPES, parseIndex } from './manifest.ts';
import {
  cosignTags,
  distinctReferrers,
  fallbackTag,
  listedReferrers,
  MAX_REFERRERS,
  NO_REFERRERS,
  withReferrer,
} from './referrer-tags.ts';
import type { RegistryClient } from './registry-client.ts';
import { withRetry } from './retry.ts';

/** What registries without the API say: the specification wants 404, some routers know better. */
const WITHOUT_API: readonly number[] = [400, 404, 405, 501];
/** Pages of one list; registries give some hundred entries on each. */
const MAX_PAGES = 50;

export async function registryReferrers(
  client: RegistryClient,
  subject: Digest,
  options: TransferOptions,
): Promise<readonly Referrer[]> {
  const ofCosign = cosignTags(subject).map(async ({ tag, type }): Promise<Referrer[]> => {
    const found = await taggedDocument(client, tag, options);
    return found ? [{ descriptor: found.descriptor, type, tag }] : [];
  });
  const [listed, ...tagged] = await Promise.all([listedIn(client, subject, options), ...ofCosign]);
  // One that is found both ways needs no tag.
  return distinctReferrers([...tagged.flat(), ...listed], client.name);
}

/** Pushes the manifest of a referrer, and lists it by the fallback tag when the registry does not do so itself. */
export async function pushReferrer(
  client: RegistryClient,
  subject: Digest,
  { referrer, manifest }: { readonly referrer: Referrer; readonly manifest: Uint8Array },
  options: TransferOptions,
): Promise<void> {
  const { mediaType, digest } = referrer.descriptor;
  const processed = await putDocument(client, referrer.tag ?? digest, { bytes: manifest, mediaType }, options);
  if (referrer.tag !== undefined || processed) return;
  const tag = fallbackTag(subject);
  const present = await taggedDocument(client, tag, options);
  const index = present ? parseIndex(present.bytes, `${client.name}: ${tag}`) : NO_REFERRERS;
  const bytes = Buffer.from(JSON.stringify(withReferrer(index, referrer, manifest)));
  await putDocument(client, tag, { bytes, mediaType: MEDIA_TYPES.ociIndex }, options);
}

async function listedIn(
  client: RegistryClient,
  subject: Digest,
  options: TransferOptions,
): Promise<readonly Referrer[]> {
  const ofApi = await apiReferrers(client, subject, options);
  if (ofApi) return ofApi;
  const fallback = await taggedDocument(client, fallbackTag(subject), options);
  return fallback ? listedReferrers(parseIndex(fallback.bytes, `${client.name}: ${fallbackTag(subject)}`)) : [];
}

/** All pages of the API's list, or undefined when the registry has no such API. */
async function apiReferrers(
  client: RegistryClient,
  subject: Digest,
  options: TransferOptions,
): Promise<readonly Referrer[] | undefined> {
  const found: Referrer[] = [];
  let target: string | URL = `referrers/${subject}`;
  for (let page = 0; page < MAX_PAGES && found.length <= MAX_REFERRERS; page++) {
    const answer = await apiPage(client, target, options);
    if (!answer) return page === 0 ? undefined : found;
    found.push(...listedReferrers(answer.index));
    if (!answer.next) return found;
    target = answer.next;
  }
  throw new ShoalError('limit', `${client.name}: the registry lists more than ${MAX_REFERRERS} referrers`);
}

function apiPage(
  client: RegistryClient,
  target: string | URL,
  options: TransferOptions,
): Promise<{ readonly index: ImageIndex; readonly next: URL | undefined } | undefined> {
  return retried(client, options, async () => {
    const headers = { accept: MEDIA_TYPES.ociIndex };
    const response = await client.send({ method: 'GET', target, action: 'pull', headers }, options.signal);
    const isIndex = typeOf(response) === MEDIA_TYPES.ociIndex;
    if (WITHOUT_API.includes(response.status) || (response.status === 200 && !isIndex)) {
      await response.discard();
      return undefined;
    }
    await client.expect(response, [200], 'referrers');
    const bytes = await readAll(response.body, MAX_DOCUMENT_BYTES, `${client.name}: referrers`);
    return { index: parseIndex(bytes, `${client.name}: referrers`), next: nextPage(response) };
  });
}

/** The manifest or index of a tag in the same repository, or undefined. */
function taggedDocument(client: RegistryClient, tag: string, options: TransferOptions) {
  return retried(client, options, async () => {
    const headers = { accept: ACCEPTED_MANIFESTS.join(', ') };
    const target = `manifests/${tag}`;
    const response = await client.send({ method: 'GET', target, action: 'pull', headers }, options.signal);
    await client.expect(response, [200, 404], `manifest ${tag}`);
    if (response.status === 404) {
      await response.discard();
      return undefined;
    }
    const bytes = await readAll(response.body, MAX_DOCUMENT_BYTES, `${client.name}: ${tag}`);
    const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
    return { bytes, descriptor: { mediaType: typeOf(response), digest, size: bytes.length } };
  });
}

/** Resolves to whether the registry says that it has listed the manifest with its subject. */
function putDocument(
  client: RegistryClient,
  name: string,
  { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
  options: TransferOptions,
): Promise<boolean> {
  return retried(client, options, async () => {
    const headers = { 'content-type': mediaType };
    const target = `manifests/${name}`;
    const response = await client.send(
      { method: 'PUT', target, action: 'push', headers, body: () => bytes },
      options.signal,
    );
    await client.expect(response, [200, 201, 202], `manifest ${name}`);
    await response.discard();
    return response.header('oci-subject') !== undefined;
  });
}

/** The `Link` header of RFC 5988, as the specification uses it. Never to another host. */
function nextPage(response: HttpResponse): URL | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.header('link') ?? '')?.[1];
  const url = target === undefined ? null : URL.parse(target, response.url.href);
  return url?.origin === response.url.origin ? url : undefined;
}

function typeOf(response: HttpResponse): string {
  return (response.header('content-type') ?? '').split(';')[0]?.trim() ?? '';
}

function retried<T>(client: RegistryClient, { signal }: TransferOptions, work: () => Promise<T>): Promise<T> {
  return withRetry(work, { signal, clock: client.clock });
}
