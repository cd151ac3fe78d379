// Where this invocation's state lives and how it speaks: from flags and environment, checked once, then frozen.

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Platform, ShoalError } from '../core/index.ts';
import { parsePlatform, platformOf } from '../registry/index.ts';
import { defaultRoot } from './default-root.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** A unix socket's path must fit sockaddr_un, including its terminating NUL (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

export interface Settings {
  /** Directory of all state, cache and sockets. Absolute. */
  readonly root: string;
  readonly controlSocket: string;
  readonly logLevel: LogLevel;
  /** Machine-readable output on standard output. */
  readonly json: boolean;
  /** docker's credential file. */
  readonly dockerConfig: string;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly root?: string;
  readonly logLevel?: string;
  readonly json?: boolean;
}

export function readSettings(options: GlobalOptions, env: Readonly<NodeJS.ProcessEnv>): Settings {
  const root = resolve(options.root ?? env['SHOAL_ROOT'] ?? defaultRoot(env));
  const controlSocket = join(root, 'control.sock');
  if (Buffer.byteLength(controlSocket) > MAX_SOCKET_PATH_BYTES) {
    throw new ShoalError(
      'usage',
      `--root ${root}: too long, the control socket's path may have ${MAX_SOCKET_PATH_BYTES} bytes and would have ${Buffer.byteLength(controlSocket)}`,
    );
  }
  return Object.freeze({
    root,
    controlSocket,
    logLevel: parseLogLevel(options.logLevel ?? env['SHOAL_LOG_LEVEL'] ?? 'info'),
    json: options.json ?? false,
    dockerConfig: join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json'),
  });
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find(known => known === text);
  if (!level)
    throw new ShoalError('usage', `log level ${JSON.stringify(text)}: expected one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

/** The platform named on the command line, or this machine's. */
export function readPlatform(text: string | undefined): Platform {
  return text === undefined ? platformOf(process.platform, process.arch) : parsePlatform(text);
}
