// A small read-only registry over OCI layout directories, for the demonstration only: manifests, blobs, ranges, and a
// throttled link. Listens on the loopback interface.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type Digest, hexOf, isDigest } from '../../core/index.ts';
import type { ThrottledLink } from './link.ts';

/** Larger than the link's slice, so that the disk never is what limits. */
const READ_BYTES = 256 << 10;

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface DemoRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Requests answered so far. */
  requests(): number;
  close(): Promise<void>;
}

/** Serves each `layouts[name]` (an OCI layout directory) as repository `name`. */
export async function startDemoRegistry(
  layouts: Readonly<Record<string, string>>,
  link: ThrottledLink,
): Promise<DemoRegistry> {
  const server = fastify({ forceCloseConnections: true });
  let requests = 0;
  server.addHook('onRequest', async () => {
    requests++;
  });
  server.get('/v2/', async () => ({}));
  server.get<{ Params: { name: string; reference: string } }>(
    '/v2/:name/manifests/:reference',
    async (request, reply) => {
      const layout = layouts[request.params.name];
      const found = layout ? await findManifest(layout, request.params.reference) : undefined;
      if (!layout || !found) return notFound(reply, 'MANIFEST_UNKNOWN');
      reply.header('docker-content-digest', found.digest).type(found.mediaType);
      return readFile(blobPath(layout, found.digest as Digest));
    },
  );
  server.get<{ Params: { name: string; digest: string } }>('/v2/:name/blobs/:digest', async (request, reply) => {
    const layout = layouts[request.params.name];
    if (!layout || !isDigest(request.params.digest)) return notFound(reply, 'BLOB_UNKNOWN');
    return sendBlob(reply, blobPath(layout, request.params.digest), request.headers.range, link);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return { host: hostOf(server), requests: () => requests, close: () => server.close() };
}

function hostOf(server: FastifyInstance): string {
  const [address] = server.addresses();
  return `127.0.0.1:${typeof address === 'object' ? address.port : 0}`;
}

function blobPath(layout: string, digest: Digest): string {
  return join(layout, 'blobs', 'sha256', hexOf(digest));
}

function notFound(reply: FastifyReply, code: string): FastifyReply {
  return reply.code(404).send({ errors: [{ code }] });
}

async function findManifest(layout: string, reference: string): Promise<Descriptor | undefined> {
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: Descriptor[] }; // ours
  return index.manifests.find(
    entry => entry.digest === reference || entry.annotations?.['org.opencontainers.image.ref.name'] === reference,
  );
}

async function sendBlob(
  reply: FastifyReply,
  path: string,
  range: string | undefined,
  link: ThrottledLink,
): Promise<FastifyReply> {
  const size = await stat(path).then(
    attributes => attributes.size,
    () => undefined,
  );
  if (size === undefined) return notFound(reply, 'BLOB_UNKNOWN');
  const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  const start = asked ? Number(asked[1]) : 0;
  const end = Math.min(asked?.[2] ? Number(asked[2]) : size - 1, size - 1);
  if (start > end) return reply.code(416).header('content-range', `bytes */${size}`).send();
  if (asked) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  const file = createReadStream(path, { start, end, highWaterMark: READ_BYTES });
  reply.header('content-length', end - start + 1).type('application/octet-stream');
  return reply.send(Readable.from(link.send(file), { objectMode: false }));
}
