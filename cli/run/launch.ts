// Starts a described container and waits for it: with runc, or with our own init under unshare(1).

import { spawn } from 'node:child_process';
import { constants, readFileSync } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShoalError, siblingScript } from '../../core/index.ts';
import type { Container } from './container.ts';
import { runcConfig } from './runc-bundle.ts';

/** docker's and the shell's convention for "ended by signal N". */
const EXIT_SIGNAL_BASE = 128;

const FORWARDED_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

export interface LaunchOptions {
  /** Directory that belongs to this container alone; runc's bundle goes there. */
  readonly directory: string;
  /** Where runc keeps the state of all our containers. */
  readonly runcRoot: string;
  /** Absolute path of runc, or undefined to use namespaces directly. */
  readonly runc: string | undefined;
}

/** The first executable of this name on the PATH. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(':')) {
    const candidate = join(folder, name);
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && usable) return candidate;
  }
  return undefined;
}

/** Runs the container to its end on this process's standard streams; resolves to its exit code (128 + signal). */
export async function runContainer(container: Container, options: LaunchOptions): Promise<number> {
  return options.runc === undefined ? runWithInit(container) : runWithRunc(container, options, options.runc);
}

async function runWithRunc(container: Container, options: LaunchOptions, runc: string): Promise<number> {
  await mkdir(options.directory, { recursive: true });
  await writeFile(join(options.directory, 'config.json'), JSON.stringify(runcConfig(container)));
  const args = ['--root', options.runcRoot, 'run', '--bundle', options.directory, container.id];
  try {
    return await waitFor(spawn(runc, args, { stdio: 'inherit' }), runc);
  } finally {
    // When runc itself was killed the container is still there; otherwise this finds nothing.
    const remove = spawn(runc, ['--root', options.runcRoot, 'delete', '--force', container.id], { stdio: 'ignore' });
    await waitFor(remove, runc).catch(() => {});
  }
}

async function runWithInit(container: Container): Promise<number> {
  const init = fileURLToPath(siblingScript(import.meta.url, 'init'));
  const namespaces = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
  // The program ends with this command, also when that is killed: setpriv sees to it for unshare, unshare for the rest.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, '--', process.execPath, init], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const description = child.stdio[3];
  if (description && 'end' in description) {
    description.on('error', () => {}); // a child that died early is reported by its exit code
    description.end(JSON.stringify(container));
  }
  // unshare(1) keeps signals to itself while its child runs: the program is that child.
  const programPid = () => firstChild(child.pid ?? 0) ?? child.pid ?? 0;
  return waitFor(child, 'unshare', signal => process.kill(programPid(), signal));
}

function firstChild(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}

function waitFor(
  child: ReturnType<typeof spawn>,
  program: string,
  send: (signal: NodeJS.Signals) => void = signal => child.kill(signal),
): Promise<number> {
  // The container ends this command, not the other way round: signals go to it and we stay for the clean-up.
  const forward = (signal: NodeJS.Signals) => {
    try {
      send(signal);
    } catch {
      // it ended in this moment
    }
  };
  // A terminal sends Ctrl-C to the program as well as to us.
  const forwarded = process.stdin.isTTY ? FORWARDED_SIGNALS : [...FORWARDED_SIGNALS, 'SIGINT' as const];
  for (const signal of forwarded) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    child.once('error', error => reject(new ShoalError('system', `${program}: ${error.message}`, { cause: error })));
    child.once('exit', (code, signal) =>
      resolve(code ?? EXIT_SIGNAL_BASE + (signal ? osConstants.signals[signal] : 0)),
    );
  }).finally(() => {
    for (const signal of forwarded) process.off(signal, forward);
  });
}
