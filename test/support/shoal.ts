// Drives the real command line from tests: every call is a process of its own with a root directory of its own, and
// whatever a test leaves behind (daemon, mounts, files) is taken away when it ends, also when it fails.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Ending } from './docker-registry.ts';
import { killHolders } from './holder.ts';

const run = promisify(execFile);
/** The program, for tests that start it themselves. */
export const MAIN = resolve(import.meta.dirname, '../../cli/main.ts');
/** This checkout's command line, under the Node that runs the tests. */
const SOURCES = [process.execPath, MAIN];

/** No command of a test takes this long; a hang must fail the test, not the run. */
const COMMAND_TIMEOUT_MS = 180_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Shoal {
  readonly root: string;
  /** A directory of this test, for mountpoints and files. */
  readonly scratch: string;
  /** Runs a command to its end, whatever its exit code. */
  run(...args: string[]): Promise<CommandResult>;
  /** Runs a command that must succeed; its standard output. */
  ok(...args: string[]): Promise<string>;
  /** Starts a command and interrupts it (Ctrl-C) when `when` resolves; how it ended. */
  interrupted(when: () => Promise<void>, ...args: string[]): Promise<CommandResult>;
  /** Like `ok` with --json, parsed. */
  json(...args: string[]): Promise<unknown>;
}

/** A command line (`program`) with a fresh root; ends its daemon and removes everything after the test. */
export async function makeShoal(
  t: Ending,
  env: Readonly<Record<string, string>> = {},
  program: readonly string[] = SOURCES,
): Promise<Shoal> {
  const base = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  const root = join(base, 'root');
  const scratch = await mkdtemp(join(base, 'scratch-'));
  t.after(async () => {
    await callShoal(['daemon', 'stop'], { program, root, env });
    await removeLeftovers(base);
    // A daemon that a broken test left may still write while it ends.
    await rm(base, { recursive: true, force: true, maxRetries: 10 });
  });
  const ok = async (...args: string[]) => {
    const result = await callShoal(args, { program, root, env });
    if (result.code !== 0) throw new Error(`shoal ${args.join(' ')}: exit code ${result.code}\n${result.stderr}`);
    return result.stdout;
  };
  return {
    root,
    scratch,
    run: (...args) => callShoal(args, { program, root, env }),
    ok,
    interrupted: (when, ...args) => callShoal(args, { program, root, env, when, signal: 'SIGINT' }),
    json: async (...args) => JSON.parse(await ok('--json', ...args)),
  };
}

export interface ShoalCall {
  readonly program?: readonly string[];
  readonly root: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sends `signal` (default SIGINT) when this resolves; it is told the command's process id. */
  readonly when?: (pid: number) => Promise<void>;
  readonly signal?: NodeJS.Signals;
}

/** Tests count bytes and requests, and registries in them break at a request that they mean. */
const ONLY_WHAT_IS_READ = { SHOAL_BACKGROUND_FILL: 'false' };

/** One command as a process of its own, to its end. A command that a signal ended has the code 128 + its number. */
export function callShoal(
  args: readonly string[],
  { program = SOURCES, root, env, when, signal }: ShoalCall,
): Promise<CommandResult> {
  return new Promise((done, fail) => {
    const [file = '', ...first] = program;
    const child = spawn(file, [...first, '--root', root, ...args], {
      env: { ...process.env, ...ONLY_WHAT_IS_READ, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', piece => stdout.push(piece));
    child.stderr.on('data', piece => stderr.push(piece));
    child.once('error', fail);
    when?.(child.pid ?? 0).then(() => child.kill(signal ?? 'SIGINT'), fail);
    child.once('close', (code, endedBy) =>
      done({
        code: code ?? 128 + (endedBy ? constants.signals[endedBy] : 0),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + (endedBy ? `\nended by ${endedBy}` : ''),
      }),
    );
  });
}

/** What a failed test may have left below its directory: holders end, mounts are detached, their FUSE connections aborted. */
export async function removeLeftovers(base: string): Promise<void> {
  killHolders(base);
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const left = table
    .split('\n')
    .map(line => line.split(' '))
    .filter(fields => fields[4]?.startsWith(`${base}/`));
  for (const fields of left.toReversed()) {
    const abort = `/sys/fs/fuse/connections/${fields[2]?.split(':')[1]}/abort`;
    if (fields.includes('fuse.shoal') && existsSync(abort)) await writeFile(abort, '1');
    await run('umount', ['-l', fields[4] ?? '']).catch(() => {});
  }
}
