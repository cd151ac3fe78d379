// What the registry in memory answers: the distribution specification's paths, the token service, the storage origin.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { digestFromHex, isDigest } from '../../core/index.ts';
import { sha256Hex } from './fake-blob.ts';
import type { MemoryRegistry, Repository } from './memory-registry.ts';

/** One request on its way through the registry. */
interface Exchange {
  readonly registry: MemoryRegistry;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

interface InRepository extends Exchange {
  readonly name: string;
  readonly repository: Repository;
  /** What follows `blobs/`, `blobs/uploads/` or `manifests/`. */
  readonly rest: string;
}

export async function answerRegistry(
  registry: MemoryRegistry,
  origin: 'registry' | 'storage',
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', `${registry.scheme}://${registry.host}`);
  const exchange = { registry, request, response, url };
  if (origin === 'storage') return answerStorage(exchange);
  if (url.pathname === '/token') return answerToken(exchange);
  const match = /^\/v2\/(.+?)\/(manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(url.pathname);
  const [, name = '', kind = '', rest = ''] = match ?? [];
  const scopes = requiredScopes(exchange, name);
  if (!isAllowed(exchange, scopes)) return challenge(exchange, scopes);
  if (!match) return void response.writeHead(url.pathname === '/v2/' ? 200 : 404).end();
  const inRepository = { ...exchange, name, rest, repository: registry.repository(name) };
  if (kind === 'manifests') return answerManifest(inRepository);
  if (kind === 'referrers') return answerReferrers(inRepository);
  if (kind === 'blobs') return answerBlob(inRepository);
  return answerUpload(inRepository);
}

function requiredScopes({ request, url }: Exchange, name: string): string[] {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const from = url.searchParams.get('from');
  const scopes = [`repository:${name}:${isRead ? 'pull' : 'push'}`];
  if (from !== null) scopes.push(`repository:${from}:pull`);
  return scopes;
}

function isAllowed({ registry, request }: Exchange, scopes: readonly string[]): boolean {
  const { auth } = registry.knobs;
  const { authorization } = request.headers;
  if (auth.kind === 'none') return true;
  if (auth.kind === 'basic') return authorization === basic(auth.username, auth.password);
  const granted = registry.tokens.get(authorization?.replace(/^Bearer /, '') ?? '');
  return granted !== undefined && scopes.every(scope => granted.includes(scope));
}

function challenge({ registry, response }: Exchange, scopes: readonly string[]): void {
  const realm = registry.knobs.realm ?? `${registry.scheme}://${registry.host}/token`;
  const bearer = `Bearer realm="${realm}",service="memory",scope="${scopes.join(' ')}"`;
  const demand = registry.knobs.auth.kind === 'basic' ? 'Basic realm="memory"' : bearer;
  response.writeHead(401, { 'www-authenticate': demand, 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
}

async function answerToken({ registry, request, response, url }: Exchange): Promise<void> {
  const { auth, tokenPosts } = registry.knobs;
  if (auth.kind !== 'bearer' || (request.method === 'POST' && !tokenPosts)) return void response.writeHead(404).end();
  if (request.method === 'POST') return answerIdentity({ registry, request, response, url }, auth.tokenSeconds);
  const wanted = auth.username === undefined ? undefined : basic(auth.username, auth.password ?? '');
  if (wanted !== undefined && request.headers.authorization !== wanted) return void response.writeHead(401).end();
  const token = randomUUID();
  registry.tokens.set(token, url.searchParams.getAll('scope').flatMap(singleActions));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ token, expires_in: auth.tokenSeconds }));
}

/** The OAuth2 form of the token protocol. */
async function answerIdentity({ registry, request, response }: Exchange, tokenSeconds: number): Promise<void> {
  const form = new URLSearchParams((await readBody(request)).toString());
  const { knobs } = registry;
  const isKnown = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === knobs.identityToken;
  if (!isKnown || form.get('service') !== 'memory') return void response.writeHead(401).end();
  if (knobs.renewIdentity) knobs.identityToken = randomUUID();
  const token = randomUUID();
  registry.tokens.set(token, (form.get('scope') ?? '').split(' ').flatMap(singleActions));
  response.writeHead(200, { 'content-type': 'application/json' });
  const renewed = knobs.renewIdentity ? { refresh_token: knobs.identityToken } : {};
  response.end(JSON.stringify({ access_token: token, expires_in: tokenSeconds, ...renewed }));
}

/** `repository:a:pull,push` allows `repository:a:pull` and `repository:a:push`. */
function singleActions(scope: string): string[] {
  const colon = scope.lastIndexOf(':');
  return scope
    .slice(colon + 1)
    .split(',')
    .map(action => `${scope.slice(0, colon)}:${action}`);
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function answerManifest({ registry, request, response, repository, rest }: InRepository): Promise<void> {
  if (request.method === 'PUT') {
    const bytes = await readBody(request);
    const digest = digestFromHex(sha256Hex(bytes));
    if (isDigest(rest) && rest !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    repository.manifests.set(digest, { bytes, mediaType: request.headers['content-type'] ?? '' });
    if (!isDigest(rest)) repository.tags.set(rest, digest);
    const subject = registry.knobs.referrersApi ? subjectOf(bytes) : undefined;
    const listed = subject === undefined ? {} : { 'oci-subject': subject };
    return void response.writeHead(201, { 'docker-content-digest': digest, ...listed }).end();
  }
  const digest = isDigest(rest) ? rest : repository.tags.get(rest);
  const manifest = digest && repository.manifests.get(digest);
  if (!manifest) return refuse(response, 404, 'MANIFEST_UNKNOWN');
  const { bytes, mediaType } = manifest;
  response.writeHead(200, {
    'content-type': mediaType,
    'content-length': bytes.length,
    'docker-content-digest': digest,
  });
  if (request.method === 'HEAD') return void response.end();
  await registry.sendBody(response, bytes);
}

function subjectOf(manifest: Buffer): string | undefined {
  const { subject }: { subject?: { digest: string } } = JSON.parse(manifest.toString());
  return subject?.digest;
}

/** Pages have `referrersPage` entries; `last` in the address says where the next begins. */
function answerReferrers({ registry, response, url, name, repository, rest }: InRepository): void {
  const { referrersApi, referrersPage } = registry.knobs;
  if (!referrersApi) return void response.writeHead(404).end('404 page not found');
  const all = [...repository.manifests].filter(([, { bytes }]) => subjectOf(bytes) === rest);
  const from = Number(url.searchParams.get('last') ?? 0);
  const page = all.slice(from, from + referrersPage).map(([digest, { bytes, mediaType }]) => {
    const { artifactType }: { artifactType?: string } = JSON.parse(bytes.toString());
    return { mediaType, digest, size: bytes.length, artifactType };
  });
  const next = from + referrersPage;
  response.writeHead(200, {
    'content-type': 'application/vnd.oci.image.index.v1+json',
    ...(next < all.length && { link: `</v2/${name}/referrers/${rest}?last=${next}>; rel="next"` }),
  });
  response.end(JSON.stringify({ schemaVersion: 2, manifests: page }));
}

async function answerBlob(exchange: InRepository): Promise<void> {
  const { registry, response, repository, rest } = exchange;
  const bytes = isDigest(rest) ? repository.blobs.get(rest) : undefined;
  if (!bytes) return refuse(response, 404, 'BLOB_UNKNOWN');
  if (registry.knobs.redirectBlobs) {
    const location = `${registry.scheme}://${registry.storageHost}/${rest}?signature=valid`;
    return void response.writeHead(307, { location }).end();
  }
  await sendBlob(exchange, bytes);
}

/** The storage origin knows nothing of users: who has a signed address gets the blob, who sends credentials does not. */
async function answerStorage(exchange: Exchange): Promise<void> {
  const { registry, request, response, url } = exchange;
  const digest = url.pathname.slice(1);
  const stores = [...registry.repositories.values()];
  const bytes = isDigest(digest) ? stores.map(({ blobs }) => blobs.get(digest)).find(Boolean) : undefined;
  if (!bytes) return void response.writeHead(404).end();
  if (request.headers.authorization !== undefined) return void response.writeHead(400).end();
  if (url.searchParams.get('signature') !== 'valid') return void response.writeHead(403).end();
  await sendBlob(exchange, bytes);
}

async function sendBlob({ registry, request, response }: Exchange, whole: Buffer): Promise<void> {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const { ignoreRange, wrongRange } = registry.knobs;
  if (!range || ignoreRange) {
    response.writeHead(200, { 'content-length': whole.length });
    return request.method === 'HEAD' ? void response.end() : registry.sendBody(response, whole);
  }
  const start = Number(range[1]);
  if (start >= whole.length) return refuse(response, 416, 'RANGE_INVALID');
  const bytes = whole.subarray(start, Number(range[2]) + 1);
  const said = wrongRange ? start + 1 : start;
  response.writeHead(206, {
    'content-length': bytes.length,
    'content-range': `bytes ${said}-${said + bytes.length - 1}/${whole.length}`,
  });
  await registry.sendBody(response, bytes);
}

async function answerUpload(exchange: InRepository): Promise<void> {
  const { registry, request, response, url, name, repository, rest } = exchange;
  if (request.method === 'POST') {
    if (mounted(exchange)) return void response.writeHead(201).end();
    const id = randomUUID();
    repository.uploads.set(id, []);
    return void response.writeHead(202, { location: `/v2/${name}/blobs/uploads/${id}?state=opaque` }).end();
  }
  const parts = repository.uploads.get(rest);
  if (!parts) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
  const location = `${registry.scheme}://${registry.host}${url.pathname}?state=${randomUUID()}`;
  const received = () => parts.reduce((sum, { length }) => sum + length, 0);
  if (request.method === 'GET') {
    const range = registry.knobs.oddUploads ?? `0-${Math.max(0, received() - 1)}`;
    return void response.writeHead(204, { location, range }).end();
  }
  const claimed = request.headers['content-range'];
  if (claimed !== undefined && !claimed.startsWith(`${received()}-`)) return refuse(response, 416, 'RANGE_INVALID');
  if (!(await receiveUpload(exchange, parts))) return;
  if (request.method === 'PATCH') return void response.writeHead(202, { location, range: `0-${received() - 1}` }).end();
  repository.uploads.delete(rest);
  const bytes = Buffer.concat(parts);
  const digest = digestFromHex(sha256Hex(bytes));
  if (url.searchParams.get('digest') !== digest) return refuse(response, 400, 'DIGEST_INVALID');
  repository.blobs.set(digest, bytes);
  response.writeHead(201, { 'docker-content-digest': digest }).end();
}

/** Takes the body in; false when the knobs say that the connection breaks on the way. */
async function receiveUpload({ registry, request, response, repository, rest }: InRepository, parts: Buffer[]) {
  const { cutUploadsAfter, forgetUploads } = registry.knobs;
  if (cutUploadsAfter === undefined) {
    parts.push(await readBody(request));
    return true;
  }
  let left = cutUploadsAfter;
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part.subarray(0, left));
    left -= part.length;
    if (left > 0) continue;
    if (forgetUploads) repository.uploads.delete(rest);
    response.destroy();
    return false;
  }
  return true;
}

function mounted({ registry, url, repository }: InRepository): boolean {
  const [digest, from] = [url.searchParams.get('mount') ?? '', url.searchParams.get('from') ?? ''];
  const bytes = isDigest(digest) ? registry.repository(from).blobs.get(digest) : undefined;
  if (!bytes || registry.knobs.noMounts || !isDigest(digest)) return false;
  repository.blobs.set(digest, bytes);
  return true;
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message: 'refused by the registry in memory' }] }));
}

/** Rejects when the client breaks off, so that a partial upload is never stored. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer); // an IncomingMessage without an encoding gives Buffers
  return Buffer.concat(parts);
}
