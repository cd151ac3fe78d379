// Every key of the configuration: what it may be, where else it can be given, and what it means. The schema, the help,
// `shoal config`, the completion and docs/configuration.md all follow this table.

import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { DRIVER_NAMES, EROFS_BACKINGS } from '../../core/index.ts';
import { defaultRoot } from '../default-root.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../logger.ts';
import { parseEndpoint } from './endpoint.ts';
import { isAnnouncedAddress, isListenAddress, isLocation, isPeerAddress } from './peer-addresses.ts';
import { isMirror } from './registry-hosts.ts';

export const DRIVERS = ['auto', ...DRIVER_NAMES] as const;
export const BACKINGS = ['auto', ...EROFS_BACKINGS] as const;

/** A day: nobody who wants a deadline means more. The control protocol has the same limit. */
const MAX_READ_DEADLINE_S = 86_400;
/** Threads beyond this fight for the processors of any machine there is, and each costs some 10 MB. */
const MAX_THREADS = 64;
/** Requests at once to one registry; their rate limiters take more for an attack. */
const MAX_FETCH_REQUESTS = 256;

/** Beyond this a list is a mistake: schedulers and ways into the DHT are a handful. */
const MAX_LIST = 64;
const MAX_UPLOAD_SLOTS = 256;
/** MiB per second: 100 Gbit/s. */
const MAX_RATE = 12_500;
/** MiB: 1 TiB. */
const MAX_PIECE_CACHE = 1 << 20;

const path = z.string().refine(text => isAbsolute(text) && !text.includes('\0'));
/** HOST:PORT; an IPv6 address in brackets. Names are not looked up: which address it is must not depend on a resolver. */
const endpoint = z.string().refine(text => parseEndpoint(text) !== undefined);
const within = (min: number, max: number) => z.int().min(min).max(max);

const listOf = (isOne: (text: string) => boolean) => z.array(z.string().refine(isOne)).max(MAX_LIST);

/** One table of the file, `[registry."HOST"]`: how to speak to that registry. */
const registryTable = z.strictObject({
  mirrors: z.array(z.string().refine(isMirror)).exactOptional(),
  'plain-http': z.boolean().exactOptional(),
  insecure: z.boolean().exactOptional(),
  ca: path.exactOptional(),
  'client-cert': path.exactOptional(),
  'client-key': path.exactOptional(),
});

/** The file as it must be. What a value must be in words is in `KEYS` and `REGISTRY_KEYS`. */
export const configSchema = z.strictObject({
  root: path.exactOptional(),
  'log-level': z.enum(LOG_LEVELS).exactOptional(),
  'log-format': z.enum(LOG_FORMATS).exactOptional(),
  'docker-config': path.exactOptional(),
  'work-dir': path.exactOptional(),
  driver: z.enum(DRIVERS).exactOptional(),
  'erofs-backing': z.enum(BACKINGS).exactOptional(),
  'read-deadline': within(1, MAX_READ_DEADLINE_S).exactOptional(),
  'serve-workers': within(1, MAX_THREADS).exactOptional(),
  'store-workers': within(1, MAX_THREADS).exactOptional(),
  'fetch-requests': within(1, MAX_FETCH_REQUESTS).exactOptional(),
  'cluster-key': path.exactOptional(),
  'cluster-certificate': path.exactOptional(),
  'scheduler-listen': endpoint.exactOptional(),
  'scheduler-http-listen': endpoint.exactOptional(),
  'keep-mounts': z.boolean().exactOptional(),
  'background-fill': z.boolean().exactOptional(),
  'background-rate': within(1, MAX_RATE).exactOptional(),
  'peer-listen': listOf(isListenAddress).exactOptional(),
  'peer-announce': listOf(isAnnouncedAddress).exactOptional(),
  schedulers: listOf(isPeerAddress).exactOptional(),
  'peer-bootstrap': listOf(isPeerAddress).exactOptional(),
  'peer-location': z.string().refine(isLocation).exactOptional(),
  'peer-upload-slots': within(1, MAX_UPLOAD_SLOTS).exactOptional(),
  'peer-upload-rate': within(1, MAX_RATE).exactOptional(),
  'peer-piece-cache': within(1, MAX_PIECE_CACHE).exactOptional(),
  registry: z.record(z.string(), registryTable).exactOptional(),
});

export type ConfigFile = z.infer<typeof configSchema>;
export type ConfigKey = Exclude<keyof ConfigFile, 'registry'>;
export type RegistryKey = keyof z.infer<typeof registryTable>;

export interface KeyDefinition {
  readonly meaning: string;
  /** What a value must be, for messages: "expected ...". */
  readonly expected: string;
  readonly kind: 'text' | 'path' | 'number' | 'boolean' | 'list';
  readonly env: string;
  /** Absent: no command takes it. */
  readonly flag?: string;
  /**
   * Absent: unset unless somebody sets it; `defaultText` says what that means. Those of the daemon are the daemon's
   * (daemon/config.ts, compared by a test): importing that folder would make `shoal --help` wait for it.
   */
  readonly fallback?: string | number | boolean;
  /** A default that depends on user and environment; `defaultText` says it in words. */
  readonly derive?: (env: Readonly<Record<string, string | undefined>>) => string;
  readonly defaultText?: string;
}

const numberFrom = (min: number, max: number, unit = '') => `a whole number${unit} from ${min} to ${max}`;
const oneOf = (words: readonly string[]) => `one of ${words.join(', ')}`;
const ABSOLUTE = 'an absolute path';
const ENDPOINT = 'an IP address and a port, like 127.0.0.1:7640 or [::]:7640';
const TRUE_OR_FALSE = 'true or false';
const PEER_ADDRESSES = 'a list of multiaddrs that end in /p2p/ID';

export const KEYS: Readonly<Record<ConfigKey, KeyDefinition>> = {
  root: {
    meaning: 'directory of all state, cache and sockets',
    expected: ABSOLUTE,
    kind: 'path',
    env: 'SHOAL_ROOT',
    flag: '--root',
    derive: defaultRoot,
    defaultText: '/var/lib/shoal; without root ~/.local/state/shoal',
  },
  'log-level': {
    meaning: 'how much is logged',
    expected: oneOf(LOG_LEVELS),
    kind: 'text',
    env: 'SHOAL_LOG_LEVEL',
    flag: '--log-level',
    fallback: 'info',
  },
  'log-format': {
    meaning: 'how log lines look; auto: JSON for the daemon, pretty for people',
    expected: oneOf(LOG_FORMATS),
    kind: 'text',
    env: 'SHOAL_LOG_FORMAT',
    flag: '--log-format',
    fallback: 'auto',
  },
  'docker-config': {
    meaning: "directory of docker's config.json, which has the registries' credentials",
    expected: ABSOLUTE,
    kind: 'path',
    env: 'DOCKER_CONFIG',
    defaultText: '`~/.docker`',
  },
  'work-dir': {
    meaning: 'where a conversion keeps blobs until they are uploaded',
    expected: ABSOLUTE,
    kind: 'path',
    env: 'SHOAL_WORK_DIR',
    flag: '--work-dir',
    defaultText: "the system's temporary directory",
  },
  driver: {
    meaning: 'how images are attached to the kernel',
    expected: oneOf(DRIVERS),
    kind: 'text',
    env: 'SHOAL_DRIVER',
    flag: '--driver',
    fallback: 'auto',
  },
  'erofs-backing': {
    meaning: 'what the kernel reads from with the driver erofs: files, or loop devices over them',
    expected: oneOf(BACKINGS),
    kind: 'text',
    env: 'SHOAL_EROFS_BACKING',
    flag: '--erofs-backing',
    fallback: 'auto',
  },
  'read-deadline': {
    meaning: 'seconds after which a read that no source answers fails',
    expected: numberFrom(1, MAX_READ_DEADLINE_S, ' of seconds'),
    kind: 'number',
    env: 'SHOAL_READ_DEADLINE',
    flag: '--read-deadline',
    defaultText: 'reads wait',
  },
  'serve-workers': {
    meaning: "daemon: threads that answer the kernel's requests, for each mount",
    expected: numberFrom(1, MAX_THREADS),
    kind: 'number',
    env: 'SHOAL_SERVE_WORKERS',
    flag: '--serve-workers',
    fallback: 3,
  },
  'store-workers': {
    meaning: 'daemon: threads that unpack, verify and store chunks',
    expected: numberFrom(1, MAX_THREADS),
    kind: 'number',
    env: 'SHOAL_STORE_WORKERS',
    flag: '--store-workers',
    fallback: 2,
  },
  'fetch-requests': {
    meaning: 'daemon: requests under way at one source; readers that wait may use all of them',
    expected: numberFrom(1, MAX_FETCH_REQUESTS),
    kind: 'number',
    env: 'SHOAL_FETCH_REQUESTS',
    flag: '--fetch-requests',
    fallback: 16,
  },
  'cluster-key': {
    meaning: "file of the cluster's public key",
    expected: ABSOLUTE,
    kind: 'path',
    env: 'SHOAL_CLUSTER_KEY',
    flag: '--cluster-key',
    defaultText: '`ROOT/peer/cluster.pub`',
  },
  'cluster-certificate': {
    meaning: 'file of the certificate that makes this node a member',
    expected: ABSOLUTE,
    kind: 'path',
    env: 'SHOAL_CLUSTER_CERTIFICATE',
    flag: '--certificate',
    defaultText: '`ROOT/peer/certificate`',
  },
  'scheduler-listen': {
    meaning: 'scheduler: where nodes connect',
    expected: ENDPOINT,
    kind: 'text',
    env: 'SHOAL_SCHEDULER_LISTEN',
    flag: '--listen',
    fallback: '0.0.0.0:7640',
  },
  'scheduler-http-listen': {
    meaning: 'scheduler: where health, metrics and the view of nodes and tasks are',
    expected: ENDPOINT,
    kind: 'text',
    env: 'SHOAL_SCHEDULER_HTTP_LISTEN',
    flag: '--http-listen',
    fallback: '127.0.0.1:7641',
  },
  'keep-mounts': {
    meaning: 'daemon: mounts outlive it when it is killed or replaced; without, io_uring may be used',
    expected: TRUE_OR_FALSE,
    kind: 'boolean',
    env: 'SHOAL_KEEP_MOUNTS',
    fallback: true,
  },
  'background-fill': {
    meaning: 'daemon: fetch the rest of a mounted image in the background',
    expected: TRUE_OR_FALSE,
    kind: 'boolean',
    env: 'SHOAL_BACKGROUND_FILL',
    fallback: true,
  },
  'background-rate': {
    meaning: 'daemon: most that the background fetches, all images together',
    expected: numberFrom(1, MAX_RATE, ' of MiB per second'),
    kind: 'number',
    env: 'SHOAL_BACKGROUND_RATE',
    defaultText: 'no limit',
  },
  'peer-listen': {
    meaning: 'daemon: where other nodes reach this one; it takes part in the swarm when this is set',
    expected: 'a list of IP:PORT or of multiaddrs to listen on',
    kind: 'list',
    env: 'SHOAL_PEER_LISTEN',
    defaultText: 'no swarm',
  },
  'peer-announce': {
    meaning: 'daemon: addresses that other nodes are told, where it is reached by others than it listens on',
    expected: 'a list of HOST:PORT or of multiaddrs',
    kind: 'list',
    env: 'SHOAL_PEER_ANNOUNCE',
    defaultText: 'those it listens on',
  },
  schedulers: {
    meaning: 'daemon: schedulers to use, all that there are, in any order',
    expected: PEER_ADDRESSES,
    kind: 'list',
    env: 'SHOAL_SCHEDULERS',
    defaultText: 'none',
  },
  'peer-bootstrap': {
    meaning: 'daemon: nodes by which others are found when no scheduler can be reached',
    expected: PEER_ADDRESSES,
    kind: 'list',
    env: 'SHOAL_PEER_BOOTSTRAP',
    defaultText: 'those known from before',
  },
  'peer-location': {
    meaning: 'daemon: where this node is; nodes nearer to each other are preferred',
    expected: 'names of region, zone and rack with bars between them, the latter two may be left out',
    kind: 'text',
    env: 'SHOAL_PEER_LOCATION',
    defaultText: 'not known',
  },
  'peer-upload-slots': {
    meaning: 'daemon: pieces that are being sent to other nodes at once',
    expected: numberFrom(1, MAX_UPLOAD_SLOTS),
    kind: 'number',
    env: 'SHOAL_PEER_UPLOAD_SLOTS',
    fallback: 8,
  },
  'peer-upload-rate': {
    meaning: 'daemon: most that is sent to other nodes',
    expected: numberFrom(1, MAX_RATE, ' of MiB per second'),
    kind: 'number',
    env: 'SHOAL_PEER_UPLOAD_RATE',
    defaultText: 'no limit',
  },
  'peer-piece-cache': {
    meaning: 'daemon: how much of blobs as they are is kept for other nodes, beside the cache',
    expected: numberFrom(1, MAX_PIECE_CACHE, ' of MiB'),
    kind: 'number',
    env: 'SHOAL_PEER_PIECE_CACHE',
    fallback: 1024,
  },
};

export const REGISTRY_KEYS: Readonly<Record<RegistryKey, Pick<KeyDefinition, 'meaning' | 'expected'>>> = {
  mirrors: {
    meaning: 'where to ask first, in this order',
    expected: 'a list of hosts or of http(s) addresses without user name and password',
  },
  'plain-http': { meaning: 'speak HTTP without TLS', expected: TRUE_OR_FALSE },
  insecure: { meaning: "do not check the registry's certificate", expected: TRUE_OR_FALSE },
  ca: { meaning: 'file of certificates (PEM) to trust besides the usual ones', expected: ABSOLUTE },
  'client-cert': { meaning: 'file of the certificate (PEM) that the registry wants to see', expected: ABSOLUTE },
  'client-key': { meaning: 'file of the key (PEM) of that certificate', expected: ABSOLUTE },
};

export const CONFIG_KEYS = Object.keys(KEYS) as readonly ConfigKey[];

/** Names the file itself; no key of it. */
export const CONFIG_FILE = { env: 'SHOAL_CONFIG', flag: '--config', fallback: '/etc/shoal/config.toml' } as const;
