// A daemon on a directory of its own, in the test's process, and what guarantees that nothing of it stays: mounts of
// a test that failed would hang whoever looks at them, the test runner first.
// The process that serves a mount must never touch it: tests look at mounts only through child processes.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Logger, silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import type { DaemonOptions, ImageLibrary, Peers } from '../../../daemon/index.ts';
import { killHolders } from '../../support/holder.ts';

export const signal = new AbortController().signal;

const endings = new WeakMap<TestContext, (() => unknown)[]>();

/** Like t.after, but what was begun last ends first. */
export function atEnd(t: TestContext, ending: () => unknown): void {
  const known = endings.get(t);
  if (known !== undefined) {
    known.push(ending);
    return;
  }
  const list = [ending];
  endings.set(t, list);
  t.after(async () => {
    for (const end of list.reverse()) await end();
  });
}

/** A directory that goes with the test, whatever is still mounted below it. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  atEnd(t, () => {
    killHolders(directory);
    freeMounts(directory);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** A directory to mount on. */
export function mountpointIn(directory: string, name = 'mnt'): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

export async function startDaemon(
  t: TestContext,
  library: ImageLibrary,
  options: Partial<DaemonOptions> & { readonly log?: Logger; readonly root?: string; readonly peers?: Peers } = {},
): Promise<Daemon> {
  const { log = silentLogger, root = join(scratch(t), 'root'), peers, ...rest } = options;
  const daemon = new Daemon({ clock: systemClock, log, library, peers }, { root, ...rest });
  await daemon.start();
  atEnd(t, () => daemon.stop());
  return daemon;
}

/** Runs a program (itself not on a mount: starting one blocks this process) that may look at a mount; rejects when it fails or takes longer than a minute. */
export function runOutside(file: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      [...args],
      { timeout: 60_000, killSignal: 'SIGKILL', maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${file} ${args.join(' ').slice(0, 200)}: ${stderr || error.message}`));
        else resolve(stdout);
      },
    );
  });
}

/** Runs a Python program that may look at a mount. */
export function python(program: string, ...args: readonly string[]): Promise<string> {
  return runOutside('python3', '-c', program, ...args);
}

/** Sources and types of what is mounted below a directory, by mountpoint. Reading the table touches no mount. */
export function mountsBelow(directory: string): Map<string, { readonly type: string; readonly device: string }> {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounts = lines.map(line => line.split(' ')).filter(fields => fields[4]?.startsWith(`${directory}/`));
  const decode = (field = '') =>
    field.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
  return new Map(
    mounts.map(fields => [decode(fields[4]), { type: fields[fields.indexOf('-') + 1] ?? '', device: fields[2] ?? '' }]),
  );
}

/** Descriptors of FUSE connections that this process has open. */
export function openConnections(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/fuse';
    } catch {
      return false; // the one that lists them
    }
  }).length;
}

function freeMounts(directory: string): void {
  for (const [mountpoint, { type, device }] of [...mountsBelow(directory)].reverse()) {
    if (type.startsWith('fuse')) writeFileSync(`/sys/fs/fuse/connections/${device.split(':')[1]}/abort`, '1');
    // Over loop devices the command waits for what the kernel reads ahead, which may come when the daemon ends; the mount
    // is gone from the table before.
    spawn('umount', ['-l', mountpoint], { stdio: 'inherit' });
  }
  const deadline = performance.now() + 10_000;
  while (mountsBelow(directory).size > 0) {
    if (performance.now() > deadline) throw new Error(`still mounted: ${[...mountsBelow(directory).keys()]}`);
    execFileSync('sleep', ['0.01']);
  }
}
