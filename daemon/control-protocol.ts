// What travels over the control socket: JSON over HTTP. Both sides check what they get.

import { z } from 'zod';
import type { Digest, ErrorCode, MountInfo, MountRequest } from '../core/index.ts';
import { DRIVER_NAMES, EROFS_BACKINGS, isDigest } from '../core/index.ts';
import type { SwarmReport } from './swarm-report.ts';

export const MOUNTS_PATH = '/v1/mounts';
export const DAEMON_PATH = '/v1/daemon';
export const SWARM_PATH = '/v1/swarm';
export const STOP_PATH = '/v1/daemon/stop';
export const HAND_OVER_PATH = '/v1/daemon/hand-over';
/** Where Prometheus looks by itself; text, not JSON. */
export const METRICS_PATH = '/metrics';

/** A day: nobody who wants a deadline means more, and timers end at 2^31 ms. */
const MAX_READ_DEADLINE_MS = 24 * 60 * 60 * 1000;
/** Tokens of clouds have a few kilobytes. */
const MAX_SECRET = 16 * 1024;
/** PATH_MAX. */
const MAX_PATH = 4096;
const path = z.string().min(1).max(MAX_PATH);

export const mountRequest: z.ZodType<MountRequest> = z.strictObject({
  reference: z.string().min(1).max(MAX_PATH),
  mountpoint: path,
  driver: z.enum(['auto', ...DRIVER_NAMES]),
  erofsBacking: z.enum(['auto', ...EROFS_BACKINGS]).optional(),
  writable: z.boolean(),
  nonEmpty: z.boolean().optional(),
  platform: z
    .strictObject({ os: z.string(), architecture: z.string(), variant: z.string().exactOptional() })
    .optional(),
  plainHttp: z.boolean(),
  insecure: z.boolean(),
  credentials: z
    .strictObject({ username: z.string().min(1).max(MAX_SECRET), password: z.string().max(MAX_SECRET) })
    .optional(),
  readDeadlineMs: z.int().positive().max(MAX_READ_DEADLINE_MS).optional(),
});

export const unmountRequest = z.strictObject({ mountpoint: path, force: z.boolean().default(false) });

const count = z.number().nonnegative();
const digest = z.custom<Digest>(value => typeof value === 'string' && isDigest(value));
export const mountInfo: z.ZodType<MountInfo> = z.object({
  reference: z.string(),
  manifestDigest: digest,
  mountpoint: z.string(),
  driver: z.enum(DRIVER_NAMES),
  erofsBacking: z.enum(EROFS_BACKINGS).optional(),
  driverReason: z.string().optional(),
  plainBlobs: z.number().optional(),
  writable: z.boolean(),
  mountedAt: z.number(),
  resumedAt: z.number().optional(),
  state: z.object({ name: z.enum(['mounting', 'ready', 'stalled']), since: z.number() }),
  stats: z.object({
    totalBytes: count,
    chunkBytes: count,
    presentBytes: count,
    fetchedBytes: count,
    peerBytes: count,
    mirrorBytes: count,
    originBytes: count,
    cacheBytes: count,
    requests: count,
    hits: count,
    misses: count,
    waiting: count,
    longestWaitMs: count,
    slowReads: count,
    bytesPerSecond: count,
    requestsPerSecond: count,
  }),
});
export const mountList = z.array(mountInfo);

export const swarmReport: z.ZodType<SwarmReport> = z.object({
  peerId: z.string(),
  addresses: z.array(z.string()),
  certificateExpiresAt: z.number(),
  schedulers: z.array(
    z.object({ peerId: z.string(), address: z.string(), state: z.enum(['connected', 'connecting', 'refused']) }),
  ),
  peers: z.array(
    z.object({
      peerId: z.string(),
      address: z.string().optional(),
      receivedBytes: count,
      sentBytes: count,
      receivedPerSecond: count,
      sentPerSecond: count,
      wrongPieces: count,
      bannedUntil: z.number().optional(),
      banReason: z.string().optional(),
      certificateExpiresAt: z.number().optional(),
    }),
  ),
  tasks: z.array(
    z.object({
      taskId: z.string(),
      digest,
      images: z.array(z.string()),
      pieceCount: count,
      pieces: count,
      chunkPieces: count,
      peers: count,
      leases: count,
      scheduled: z.boolean(),
    }),
  ),
  counters: z.object({
    bytesFromPeers: count,
    bytesFromOrigin: count,
    bytesSent: count,
    wrongPieces: count,
    hedges: count,
  }),
});

export const daemonInfo = z.object({
  pid: z.int().positive(),
  /** What its pid counts in: a daemon in a container has another one than who asks on the host. Earlier ones don't say. */
  pidNamespace: z.string().default(''),
  version: z.string(),
  /** Milliseconds since the control socket opened. */
  uptimeMs: count,
});
export type DaemonInfo = z.infer<typeof daemonInfo>;

export const failure = z.object({ code: z.string(), message: z.string() });

/** The HTTP status of an error; the body says the code, the status is for generic clients. */
export const STATUS_BY_CODE: Readonly<Record<ErrorCode, number>> = {
  usage: 400,
  'not-found': 404,
  unauthorized: 403,
  unreachable: 502,
  unavailable: 503,
  timeout: 504,
  aborted: 499,
  'digest-mismatch': 502,
  malformed: 422,
  unsupported: 422,
  busy: 409,
  'no-space': 507,
  system: 500,
  limit: 413,
  internal: 500,
};
