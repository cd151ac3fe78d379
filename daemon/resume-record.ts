// What is written down about a mount for the daemon that comes next, so that it can go on serving it without the network and
// without asking the kernel again: how it is attached, what was agreed on with the kernel, and which image it is. No
// credentials. It lies in the mount's directory, beside the bootstrap and the digests of the pieces. What this release does
// not know in it makes it refuse that mount, by name.

import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Descriptor,
  type Digest,
  DRIVER_NAMES,
  type DriverName,
  EROFS_BACKINGS,
  type ErofsBacking,
  errnoOf,
  fromSystemError,
  isDigest,
  messageOf,
  pieceCount,
  ShoalError,
} from '../core/index.ts';
import { BlobPieces, PIECE_DIGEST_BYTES } from '../image/index.ts';
import type { ChosenDriver } from './driver-choice.ts';
import { MAX_READ_BYTES, MAX_WRITE_BYTES } from './fuse/device.ts';
import type { SessionTerms } from './fuse/negotiation.ts';
import type { LazyImage } from './ports.ts';
import { PAGE_BYTES } from './system-calls.ts';

/**
 * How node ids of a connection are made (fuse/attributes.ts, image/): the kernel knows files by them, so a later release that
 * makes them otherwise must not answer for this one. 2: devices have a second one behind the others.
 */
export const NODE_IDS = 2;

export interface SavedImage {
  /** As it was asked for: where its bytes come from. */
  readonly requested: string;
  readonly plainHttp: boolean;
  readonly insecure: boolean;
  readonly layers: readonly Descriptor[];
  readonly totalBytes: number;
}

export interface ResumeRecord {
  readonly driver: DriverName;
  readonly erofsBacking?: ErofsBacking | undefined;
  readonly driverReason?: string | undefined;
  readonly readDeadlineMs?: number | undefined;
  readonly image: SavedImage;
  readonly bootstrapBytes: number;
  /** Layers whose piece digests lie in the mount's directory, in this order. */
  readonly pieces: readonly Digest[];
  /** Undefined: an image without blobs by erofs. */
  readonly connection?: { readonly nodeIds: number; readonly terms: SessionTerms } | undefined;
}

const size = z.int().nonnegative();
const digest = z.custom<Digest>(value => typeof value === 'string' && isDigest(value));

const schema: z.ZodType<ResumeRecord> = z.strictObject({
  driver: z.enum(DRIVER_NAMES),
  erofsBacking: z.enum(EROFS_BACKINGS).optional(),
  driverReason: z.string().optional(),
  readDeadlineMs: z.number().positive().optional(),
  image: z.strictObject({
    requested: z.string(),
    plainHttp: z.boolean(),
    insecure: z.boolean(),
    layers: z.array(
      z.object({
        mediaType: z.string(),
        digest,
        size,
        annotations: z.record(z.string(), z.string()).exactOptional(),
      }),
    ),
    totalBytes: size,
  }),
  bootstrapBytes: size,
  pieces: z.array(digest),
  connection: z
    .strictObject({
      nodeIds: size,
      terms: z.strictObject({
        minor: size,
        flags: size,
        flags2: size,
        maxReadahead: size,
        maxBackground: size,
        maxWrite: size,
        maxPages: size,
      }),
    })
    .optional(),
});

/** What is written down about a complete mount. `terms`: undefined when nobody serves it. */
export function resumeRecord(
  mount: {
    readonly image: Pick<LazyImage, 'layers' | 'totalBytes'>;
    readonly requested: Pick<SavedImage, 'requested' | 'plainHttp' | 'insecure'>;
    readonly chosen: ChosenDriver;
    readonly readDeadlineMs: number | undefined;
  },
  bootstrapBytes: number,
  terms: SessionTerms | undefined,
): Omit<ResumeRecord, 'pieces'> {
  const { image, requested, chosen, readDeadlineMs } = mount;
  return {
    driver: chosen.driver,
    erofsBacking: chosen.erofsBacking,
    driverReason: chosen.reason,
    readDeadlineMs,
    image: { ...requested, layers: image.layers, totalBytes: image.totalBytes },
    bootstrapBytes,
    connection: terms && { nodeIds: NODE_IDS, terms },
  };
}

const RECORD = 'resume.json';
const PIECES = 'pieces';
/** An image has at most 254 layers, with some hundred bytes each; annotations are bounded by the manifest. */
const MAX_RECORD_BYTES = 16 << 20;

export type Pieces = ReadonlyMap<Digest, BlobPieces>;

/**
 * Writes it down: whole or not at all, whenever this process dies. Not made durable, because a mount does not outlive the
 * machine's boot. What is written goes with `held`. Rejects with `system`.
 */
export async function writeResumeRecord(
  directory: string,
  record: Omit<ResumeRecord, 'pieces'>,
  pieces: Pieces,
  held: AsyncDisposableStack,
): Promise<void> {
  const path = join(directory, RECORD);
  const table = join(directory, PIECES);
  held.defer(async () => {
    await Promise.all([path, `${path}.new`, table].map(file => rm(file, { force: true })));
  });
  const whole: ResumeRecord = { ...record, pieces: [...pieces.keys()] };
  try {
    if (pieces.size > 0) {
      await writeFile(
        table,
        [...pieces.values()].map(({ digests }) => digests),
        { mode: 0o600 },
      );
    }
    await writeFile(`${path}.new`, JSON.stringify(whole), { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
}

/** What an earlier daemon wrote down goes with `held`, as if it had been written now. */
export function adoptResumeRecord(directory: string, held: AsyncDisposableStack): void {
  held.defer(async () => {
    await Promise.all([RECORD, `${RECORD}.new`, PIECES].map(file => rm(join(directory, file), { force: true })));
  });
}

export interface SavedMount {
  readonly record: ResumeRecord;
  readonly bootstrap: SharedArrayBuffer;
  readonly pieces: Pieces;
}

/** What an earlier daemon wrote down, or why this one can't go on with it. `bootstrapName`: the file in the directory. */
export async function readSavedMount(
  directory: string,
  bootstrapName: string,
): Promise<SavedMount | { readonly problem: string }> {
  try {
    const path = join(directory, RECORD);
    const { size: bytes } = await stat(path);
    if (bytes > MAX_RECORD_BYTES) return { problem: `its record has ${bytes} bytes` };
    const record = parseResumeRecord(JSON.parse(await readFile(path, 'utf8')));
    if ('problem' in record) return record;
    const bootstrap = await readShared(join(directory, bootstrapName), record.bootstrapBytes);
    return { record, bootstrap, pieces: await readPieces(directory, record) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { problem: 'it was not made to outlive its daemon, or not complete' };
    return { problem: `its record can't be read (${messageOf(error)})` };
  }
}

async function readShared(path: string, expected: number): Promise<SharedArrayBuffer> {
  await using file = await open(path, 'r');
  const { size: bytes } = await file.stat();
  // Over a loop device a hole follows it.
  if (bytes < expected) throw new ShoalError('malformed', `bootstrap of ${bytes} bytes; expected ${expected}`);
  const into = new Uint8Array(new SharedArrayBuffer(expected));
  for (let at = 0; at < expected; ) {
    const { bytesRead } = await file.read(into, at, expected - at, at);
    if (bytesRead === 0) throw new ShoalError('malformed', `bootstrap ends at ${at} of ${expected}`);
    at += bytesRead;
  }
  return into.buffer;
}

async function readPieces(directory: string, { pieces, image }: ResumeRecord): Promise<Pieces> {
  if (pieces.length === 0) return new Map();
  const table = await readFile(join(directory, PIECES));
  const found = new Map<Digest, BlobPieces>();
  let at = 0;
  for (const name of pieces) {
    const layer = image.layers.find(({ digest: known }) => known === name);
    if (layer === undefined) throw new ShoalError('malformed', `pieces of ${name}, which is no layer`);
    const length = pieceCount(layer.size) * PIECE_DIGEST_BYTES;
    found.set(name, new BlobPieces(layer.size, table.subarray(at, at + length)));
    at += length;
  }
  return found;
}

/** The record, or why this release can't go on with such a mount. */
export function parseResumeRecord(value: unknown): ResumeRecord | { readonly problem: string } {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `its record is another release's (${issue?.path.join('.')}: ${issue?.message})` };
  }
  const { driver, erofsBacking, connection } = parsed.data;
  if (driver === 'erofs' && erofsBacking === undefined) {
    return { problem: 'its record does not say what the kernel reads from' };
  }
  const problem = connection && connectionProblem(connection);
  return problem === undefined ? parsed.data : { problem };
}

/** What was agreed on with the kernel is what later releases have to keep to. */
function connectionProblem({ nodeIds, terms }: NonNullable<ResumeRecord['connection']>): string | undefined {
  if (nodeIds < 1 || nodeIds > NODE_IDS)
    return `its node ids are of version ${nodeIds}; this release knows ${NODE_IDS}`;
  if (terms.maxWrite > MAX_WRITE_BYTES)
    return `its requests may have ${terms.maxWrite} bytes; we take ${MAX_WRITE_BYTES}`;
  const maxRead = terms.maxPages * PAGE_BYTES;
  return maxRead > MAX_READ_BYTES ? `its reads may have ${maxRead} bytes; we take ${MAX_READ_BYTES}` : undefined;
}
