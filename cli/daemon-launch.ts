// Finds the daemon of a root, or starts one that ends with its last mount.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromSystemError, isShoalError, ShoalError, siblingScript, systemClock } from '../core/index.ts';
import { ControlClient, type DaemonInfo, keepingProblem } from '../daemon/index.ts';
import { makeDirectory } from '../registry/index.ts';
import type { CommandContext } from './command.ts';
import { withoutCredentials } from './credentials.ts';
import { EXIT_CODES, errorCodeOf } from './exit-codes.ts';
import { LOOK_AFTER_OPTION } from './supervise.ts';

/** State, cache and control socket are for the owner alone. */
export const ROOT_MODE = 0o700;

/** A daemon starts in under a second; a machine under heavy load gets this long. */
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 25;
/** Not through a link: the daemon looks at who owns its root only once it runs. */
const LOG_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
const LOWEST_PRIORITY = 19;
/** How much of the daemon's log goes into an error message. */
const LOG_TAIL_LINES = 10;

/** The running daemon's client, or undefined when none answers. */
export async function findDaemon(context: CommandContext): Promise<ControlClient | undefined> {
  const client = new ControlClient(context.settings.controlSocket);
  try {
    await client.info({ signal: context.signal });
    return client;
  } catch (error) {
    if (isShoalError(error, 'unreachable') || isShoalError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** The running daemon's client; throws `not-found` when there is none. */
export async function requireDaemon(context: CommandContext): Promise<ControlClient> {
  const client = await findDaemon(context);
  if (!client) throw new ShoalError('not-found', `no daemon runs on ${context.settings.root}`);
  return client;
}

/** A daemon that says "unavailable" because it is ending is gone within this time; one that stays has another reason. */
const ENDING_MS = 2_000;
const ATTEMPTS = 3;

/**
 * Asks the running daemon, after starting one when there is none. A daemon that was started by a command ends with its
 * last mount, which may be just now: then a new one is asked.
 */
export async function withDaemon<T>(context: CommandContext, ask: (daemon: ControlClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { daemon, lookAfter } = await ensureDaemon(context);
    const asked = await daemon.info({ signal: context.signal }).catch(() => undefined);
    try {
      const answer = await ask(daemon);
      lookAfter?.();
      return answer;
    } catch (error) {
      const mayHaveEnded = isShoalError(error, 'unreachable') || isShoalError(error, 'unavailable');
      if (attempt === ATTEMPTS || !mayHaveEnded || !(await ends(context, asked))) throw error;
    }
  }
}

/** Whether this daemon is not, or soon not, the one that answers. In containers, all have the same pid. */
async function ends(context: CommandContext, asked: DaemonInfo | undefined): Promise<boolean> {
  const deadline = systemClock.monotonic() + ENDING_MS;
  do {
    const daemon = await findDaemon(context);
    const answering = await daemon?.info({ signal: context.signal }).catch(() => undefined);
    const isSame = answering?.pid === asked?.pid && answering?.pidNamespace === asked?.pidNamespace;
    if (answering === undefined || !isSame) return true;
    await systemClock.sleep(POLL_MS, { signal: context.signal });
  } while (systemClock.monotonic() < deadline);
  return false;
}

interface EnsuredDaemon {
  readonly daemon: ControlClient;
  /** Of one that was started: starts what starts it again when it dies, once what was asked for is done. */
  readonly lookAfter?: () => void;
}

/** The running daemon's client, after starting one when there is none. */
async function ensureDaemon(context: CommandContext): Promise<EnsuredDaemon> {
  const running = await findDaemon(context);
  if (running) return { daemon: running };
  const { root } = context.settings;
  await makeDirectory(root, `--root ${root}`, ROOT_MODE);
  const logPath = join(root, 'daemon.log');
  const log = await open(logPath, LOG_FLAGS, 0o600).catch(error => {
    throw fromSystemError(error, `the daemon's log ${logPath}`);
  });
  const isNew = (await log.stat()).size === 0;
  try {
    const main = fileURLToPath(siblingScript(import.meta.url, 'main'));
    const { file } = context.settings.config;
    const config = file === undefined ? [] : ['--config', file.path];
    const { logLevel, logFormat, dockerConfig } = context.settings;
    const logging = ['--log-level', logLevel, '--log-format', logFormat];
    const args = [...config, '--root', root, ...logging, 'daemon', '--exit-when-idle'];
    // Not in the caller's directory: its file system could not be unmounted for as long as the daemon runs. So paths in
    // the environment, which may be relative, are said anew.
    const start = (output: number, ...more: readonly string[]) => {
      const child = spawn(process.execPath, [main, ...args, ...more], {
        cwd: '/',
        env: { ...withoutCredentials(context.env), DOCKER_CONFIG: dirname(dockerConfig) },
        detached: true,
        stdio: ['ignore', output, output],
      });
      child.unref();
      return child;
    };
    const daemon = await waitUntilReady(context, () => start(log.fd), logPath);
    if (!context.settings.keepMounts || keepingProblem() !== undefined) return { daemon };
    return { daemon, lookAfter: () => lookAfter(logPath, output => start(output, LOOK_AFTER_OPTION)) };
  } catch (error) {
    // Refused because the directory is somebody else's: then nothing of ours stays in it.
    if (isNew && isShoalError(error, 'usage')) await rm(logPath, { force: true });
    throw error;
  } finally {
    await log.close();
  }
}

/** In nobody's way: the program that the command is about is just starting. */
function lookAfter(logPath: string, start: (output: number) => ChildProcess): void {
  const output = openSync(logPath, LOG_FLAGS, 0o600);
  try {
    const { pid } = start(output);
    if (pid !== undefined) setPriority(pid, LOWEST_PRIORITY);
  } finally {
    closeSync(output);
  }
}

async function waitUntilReady(
  context: CommandContext,
  start: () => ReturnType<typeof spawn>,
  logPath: string,
): Promise<ControlClient> {
  const deadline = systemClock.monotonic() + START_TIMEOUT_MS;
  let child = start();
  while (systemClock.monotonic() < deadline) {
    const client = await findDaemon(context);
    if (client) return client;
    if (child.exitCode !== null && child.exitCode !== EXIT_CODES.busy) break;
    // The root is taken: by a daemon that another command has just started, or by one that is still ending.
    if (child.exitCode === EXIT_CODES.busy) child = start();
    await systemClock.sleep(POLL_MS, { signal: context.signal }).catch(error => {
      child.kill(); // interrupted: nobody has use for it
      throw error;
    });
  }
  const tail = (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  // A full disk has no room for the log, either: the exit code says it.
  const code = errorCodeOf(child.exitCode ?? EXIT_CODES.timeout) ?? 'system';
  throw new ShoalError(code, `the daemon did not start (${code}); the end of ${logPath}:\n${tail || '(nothing)'}`);
}
