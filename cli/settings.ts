// How this invocation works: from flags, environment and configuration file, checked once, then frozen.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Platform, ShoalError } from '../core/index.ts';
import { type ProxySettings, parsePlatform, platformOf, type RegistryHostSettings } from '../registry/index.ts';
import { type Endpoint, parseEndpoint } from './config/endpoint.ts';
import type { ConfigKey } from './config/keys.ts';
import { parseLocation, toMultiaddr } from './config/peer-addresses.ts';
import { type ConfigValues, type ResolvedConfig, resolveConfig } from './config/resolve.ts';
import type { LogFormat, LogLevel } from './logger.ts';

/** A unix socket's path must fit sockaddr_un, including its terminating NUL (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** docker's directory of certificates: one directory per registry. */
export const DOCKER_CERTIFICATES = '/etc/docker/certs.d';

export interface Settings {
  /** Directory of all state, cache and sockets. Absolute. */
  readonly root: string;
  readonly controlSocket: string;
  /** Of this node as one of a cluster: its key, revocations, what it remembers of others. */
  readonly peerDirectory: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Machine-readable output on standard output. */
  readonly json: boolean;
  /** docker's credential file. */
  readonly dockerConfig: string;
  /** Where a conversion keeps its blobs; absent: the system's temporary directory. */
  readonly workDir?: string;
  readonly driver: NonNullable<ConfigValues['driver']>;
  readonly erofsBacking: NonNullable<ConfigValues['erofs-backing']>;
  /** Absent: reads wait. */
  readonly readDeadlineMs?: number;
  /** By the host of image references. */
  readonly registries: Readonly<Record<string, RegistryHostSettings>>;
  /** What an operator may change of the daemon's numbers. */
  readonly daemon: { readonly serveWorkers: number; readonly storeWorkers: number; readonly fetchRequests: number };
  /** Of a cluster's members; the files need not exist. */
  readonly cluster: { readonly keyFile: string; readonly certificateFile: string; readonly revocationsFile: string };
  /** Mounts are to outlive the daemon. */
  readonly keepMounts: boolean;
  readonly scheduler: { readonly listen: Endpoint; readonly httpListen: Endpoint };
  /** Absent: only what is read is fetched. */
  readonly fill?: { readonly bytesPerSecond?: number };
  /** Absent: no swarm. */
  readonly peers?: PeerSettings;
  /** Where all this came from, for `shoal config` and for a daemon that is started with the same file. */
  readonly config: ResolvedConfig;
}

export interface PeerSettings {
  /** Multiaddrs. */
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly schedulers: readonly string[];
  readonly bootstrap: readonly string[];
  readonly location: ReturnType<typeof parseLocation>;
  readonly uploadSlots: number;
  readonly uploadBytesPerSecond?: number;
  readonly pieceCacheBytes: number;
}

const MIB = 1 << 20;

/** Options as commander hands them over: those that every command takes, and those of the configuration's keys. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly config?: string;
  readonly root?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly workDir?: string;
  readonly driver?: string;
  readonly erofsBacking?: string;
  readonly readDeadline?: string;
  readonly serveWorkers?: string;
  readonly storeWorkers?: string;
  readonly fetchRequests?: string;
  readonly clusterKey?: string;
  readonly certificate?: string;
  readonly listen?: string;
  readonly httpListen?: string;
}

export function readSettings(options: GlobalOptions, env: Readonly<NodeJS.ProcessEnv>): Settings {
  const config = resolveConfig(flagsOf(options), env);
  const { values, registries } = config;
  const root = required(values, 'root');
  const controlSocket = join(root, 'control.sock');
  if (Buffer.byteLength(controlSocket) > MAX_SOCKET_PATH_BYTES) {
    throw new ShoalError(
      'usage',
      `--root ${root}: too long, the control socket's path may have ${MAX_SOCKET_PATH_BYTES} bytes and would have ${Buffer.byteLength(controlSocket)}`,
    );
  }
  const readDeadline = values['read-deadline'];
  const workDir = values['work-dir'];
  const peerDirectory = join(root, 'peer');
  return deepFreeze({
    root,
    controlSocket,
    peerDirectory,
    logLevel: required(values, 'log-level'),
    logFormat: required(values, 'log-format'),
    json: options.json ?? false,
    dockerConfig: join(values['docker-config'] ?? join(homedir(), '.docker'), 'config.json'),
    ...(workDir !== undefined && { workDir }),
    driver: required(values, 'driver'),
    erofsBacking: required(values, 'erofs-backing'),
    ...(readDeadline !== undefined && { readDeadlineMs: readDeadline * 1000 }),
    registries,
    daemon: {
      serveWorkers: required(values, 'serve-workers'),
      storeWorkers: required(values, 'store-workers'),
      fetchRequests: required(values, 'fetch-requests'),
    },
    cluster: {
      keyFile: values['cluster-key'] ?? join(peerDirectory, 'cluster.pub'),
      certificateFile: values['cluster-certificate'] ?? join(peerDirectory, 'certificate'),
      revocationsFile: join(peerDirectory, 'revocations'),
    },
    scheduler: {
      listen: endpointOf(values, 'scheduler-listen'),
      httpListen: endpointOf(values, 'scheduler-http-listen'),
    },
    keepMounts: required(values, 'keep-mounts'),
    ...(values['background-fill'] !== false && { fill: fillSettings(values) }),
    ...peerSettings(values),
    config,
  });
}

function fillSettings(values: ConfigValues): NonNullable<Settings['fill']> {
  const rate = values['background-rate'];
  return rate === undefined ? {} : { bytesPerSecond: rate * MIB };
}

function peerSettings(values: ConfigValues): { readonly peers?: PeerSettings } {
  const listen = values['peer-listen'];
  if (listen === undefined || listen.length === 0) return {};
  const rate = values['peer-upload-rate'];
  return {
    peers: {
      listen: listen.map(toMultiaddr),
      announce: (values['peer-announce'] ?? []).map(toMultiaddr),
      schedulers: values.schedulers ?? [],
      bootstrap: values['peer-bootstrap'] ?? [],
      location: parseLocation(values['peer-location'] ?? ''),
      uploadSlots: required(values, 'peer-upload-slots'),
      ...(rate !== undefined && { uploadBytesPerSecond: rate * MIB }),
      pieceCacheBytes: required(values, 'peer-piece-cache') * MIB,
    },
  };
}

/** Upper case first, as docker and containerd read them. */
export function readProxies(env: Readonly<NodeJS.ProcessEnv>): ProxySettings {
  return {
    httpProxy: env['HTTP_PROXY'] || env['http_proxy'],
    httpsProxy: env['HTTPS_PROXY'] || env['https_proxy'],
    noProxy: env['NO_PROXY'] || env['no_proxy'],
  };
}

/** What is in effect when nobody says anything; `json` is how to say it. */
export function defaultSettings({ json = false }: GlobalOptions): Settings {
  return readSettings({ json, config: '/dev/null' }, {});
}

function flagsOf(options: GlobalOptions): Partial<Record<ConfigKey | 'config', string>> {
  const { config, root, driver } = options;
  return given({
    config,
    root,
    driver,
    'log-level': options.logLevel,
    'log-format': options.logFormat,
    'work-dir': options.workDir,
    'erofs-backing': options.erofsBacking,
    'read-deadline': options.readDeadline,
    'serve-workers': options.serveWorkers,
    'store-workers': options.storeWorkers,
    'fetch-requests': options.fetchRequests,
    'cluster-key': options.clusterKey,
    'cluster-certificate': options.certificate,
    'scheduler-listen': options.listen,
    'scheduler-http-listen': options.httpListen,
  });
}

function given(flags: Readonly<Record<string, string | undefined>>): Partial<Record<ConfigKey | 'config', string>> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** The value of a key that has a default. */
function required<K extends ConfigKey>(values: ConfigValues, key: K): NonNullable<ConfigValues[K]> {
  const value = values[key];
  if (value === undefined || value === null)
    throw new ShoalError('internal', `configuration key ${key} has no default`);
  return value;
}

/** Was checked by the schema. */
function endpointOf(values: ConfigValues, key: 'scheduler-listen' | 'scheduler-http-listen'): Endpoint {
  const endpoint = parseEndpoint(required(values, key));
  if (endpoint === undefined) throw new ShoalError('internal', `configuration key ${key} is no endpoint`);
  return endpoint;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/** The platform named on the command line, or this machine's. */
export function readPlatform(text: string | undefined): Platform {
  return text === undefined ? platformOf(process.platform, process.arch) : parsePlatform(text);
}
