// Times one cold start: from the command until the program says "ready:", over a fresh link of a given rate, with an
// empty cache. Lazily (the real `shoal run`, daemon start included) or after a full pull and unpack with the same
// runtime. Used by the demonstration and by bench/.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { ShoalError, siblingScript, systemClock } from '../../core/index.ts';
import { openSource, type RegistryAccess } from '../../registry/index.ts';
import { readPlatform } from '../settings.ts';
import { pullAndUnpack } from './full-pull.ts';
import { ThrottledLink } from './link.ts';
import { startDemoRegistry } from './registry.ts';

const MAIN = fileURLToPath(siblingScript(import.meta.url, '../main'));
const START_PLAIN = fileURLToPath(siblingScript(import.meta.url, 'start-plain'));
/** The whole start of a small server, over a slow link, on a busy machine. */
const RUN_TIMEOUT_MS = 300_000;
const REPOSITORY = 'image';

export interface ColdStart {
  /** An OCI layout directory and the tag in it: an accelerated image for `lazily`, an ordinary one for `fully`. */
  readonly layout: string;
  readonly tag: string;
  /** Replaces the image's own command when not empty; must print "ready:". */
  readonly command: readonly string[];
  readonly bytesPerSecond: number;
  /** An empty directory for all state; its content is the caller's to remove. */
  readonly workDir: string;
  /**
   * Fetch the rest of the image in the background as well, as a daemon does by itself. Absent: only what the program reads,
   * so that the bytes are those it needs.
   */
  readonly backgroundFill?: boolean;
}

export interface Measurement {
  readonly readyMs: number;
  /** Bytes and requests that the registry answered, manifests included. */
  readonly bytes: number;
  readonly requests: number;
  readonly output: string;
}

export interface Ready {
  readonly readyMs: number;
  readonly output: string;
}

export function startLazily(start: ColdStart, signal: AbortSignal): Promise<Measurement> {
  return overLink(start, async reference => {
    const started = performance.now();
    const args = ['--root', join(start.workDir, 'root'), 'run', '--rm', '--plain-http', reference, ...start.command];
    const env = { ...process.env, SHOAL_BACKGROUND_FILL: String(start.backgroundFill ?? false) };
    return runUntilReady([MAIN, ...args], { started, signal, env });
  });
}

export function startFully(start: ColdStart, access: RegistryAccess, signal: AbortSignal): Promise<Measurement> {
  return overLink(start, async reference => {
    const started = performance.now();
    const rootfs = join(start.workDir, 'rootfs');
    const source = openSource(reference, { access, plainHttp: true });
    const config = await pullAndUnpack(source, readPlatform(undefined), { workDir: start.workDir, rootfs }, signal);
    const description = { rootfs, directory: join(start.workDir, 'bundle'), config, command: start.command };
    return runUntilReady([START_PLAIN, JSON.stringify(description)], { started, signal, env: process.env });
  });
}

async function overLink(start: ColdStart, run: (reference: string) => Promise<Ready>): Promise<Measurement> {
  const link = new ThrottledLink(start.bytesPerSecond, systemClock);
  const registry = await startDemoRegistry({ [REPOSITORY]: start.layout }, link);
  try {
    const ready = await run(`${registry.host}/${REPOSITORY}:${start.tag}`);
    return { ...ready, bytes: link.sentBytes, requests: registry.requests() };
  } finally {
    await registry.close();
  }
}

/** Runs a Node program until it ends; the time is that of its line "ready: ...". */
export async function runUntilReady(
  args: readonly string[],
  { started, signal, env }: { readonly started: number; readonly signal: AbortSignal; readonly env: NodeJS.ProcessEnv },
): Promise<Ready> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]);
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    signal: limited,
    killSignal: 'SIGTERM',
  });
  let [output, errors, readyMs] = ['', '', 0];
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
    if (readyMs === 0 && output.includes('ready:')) readyMs = performance.now() - started;
  });
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('exit', done);
  });
  if (code !== 0 || readyMs === 0) {
    throw new ShoalError('system', `the program failed with exit code ${code}:\n${errors || output}`);
  }
  return { readyMs, output: output.trim() };
}
