// A user without root, for tests of what needs none: a home of its own, the real command line, the checkout readable
// whatever the permissions above it, and /dev/fuse as udev would make it. Everything is put back after the test.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import type { CommandResult } from './shoal.ts';

/** nobody and nogroup: fusermount wants a user that has a name. */
const ID = 65_534;
const CHECKOUT = resolve(import.meta.dirname, '../..');
/** No command of a test takes this long; a hang must fail the test, not the run. */
const COMMAND_TIMEOUT_MS = 180_000;
/** How long the tests of another file may keep /dev/fuse. */
const DEVICE_WAIT_S = 300;

export interface Unprivileged {
  readonly home: string;
  /** State and cache, where they are when nobody says: below the home. */
  readonly root: string;
  /** Runs shoal to its end, whatever its exit code. */
  run(...args: string[]): Promise<CommandResult>;
  /** Runs shoal, which must succeed; its standard output. */
  ok(...args: string[]): Promise<string>;
  json(...args: string[]): Promise<unknown>;
  /** Runs an ES module's text, which must succeed; its standard output. `checkout` is the path the user sees it at. */
  script(text: (checkout: string) => string, ...args: string[]): Promise<string>;
  /** Starts a CommonJS script that may hang. */
  start(script: string, ...args: string[]): { readonly pid: number; readonly output: Promise<string> };
  /** A new directory of the user's. */
  directory(name: string): string;
  /** Mountpoints below the home, from outside. */
  mounts(): string[];
}

/** Why there can be no such user here, for a printed skip. */
export function unprivilegedProblem(): string | false {
  if (process.geteuid?.() !== 0) return 'needs root, to become somebody else';
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  if (!existsSync('/usr/bin/fusermount')) return 'needs fusermount (Debian package fuse3)';
  return false;
}

export async function makeUnprivileged(t: TestContext): Promise<Unprivileged> {
  const giveDeviceBack = await takeDevice();
  const base = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  const mode = statSync('/dev/fuse').mode & 0o7777;
  const [home, checkout, node] = [join(base, 'home'), join(base, 'checkout'), join(base, 'node')];
  const env = { HOME: home, PATH: '/usr/bin:/bin', UV_THREADPOOL_SIZE: '128', SHOAL_BACKGROUND_FILL: 'false' };
  const options = { uid: ID, gid: ID, cwd: '/', env, maxBuffer: 256 << 20 } as const;
  const main = join(checkout, 'cli/main.ts');
  const call = (args: readonly string[]): Promise<CommandResult> =>
    new Promise(done => {
      const limits = { timeout: COMMAND_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
      const child = execFile(node, [main, ...args], { ...options, ...limits }, (_error, stdout, stderr) =>
        done({ code: child.exitCode ?? 128, stdout, stderr }),
      );
    });
  // Before anything is changed, so that it is undone also when not all of it can be done.
  t.after(async () => {
    await call(['daemon', 'stop']);
    chmodSync('/dev/fuse', mode);
    giveDeviceBack();
    // When this throws nothing is removed: the checkout itself is mounted there.
    for (const mountpoint of mountsBelow(base).toReversed()) execFileSync('umount', ['-l', mountpoint]);
    rmSync(base, { recursive: true, force: true });
  });
  chmodSync('/dev/fuse', 0o666);
  chmodSync(base, 0o755);
  const directory = (name: string) => {
    const path = join(base, name);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    chownSync(path, ID, ID);
    return path;
  };
  directory('home');
  mkdirSync(checkout);
  execFileSync('mount', ['--bind', CHECKOUT, checkout]);
  writeFileSync(node, '');
  execFileSync('mount', ['--bind', process.execPath, node]);
  const ok = async (...args: string[]) => {
    const result = await call(args);
    if (result.code !== 0) throw new Error(`shoal ${args.join(' ')}: exit code ${result.code}\n${result.stderr}`);
    return result.stdout;
  };
  return {
    home,
    root: join(home, '.local/state/shoal'),
    run: (...args) => call(args),
    ok,
    json: async (...args) => JSON.parse(await ok('--json', ...args)),
    script: (text, ...args) =>
      new Promise((done, fail) => {
        const command = ['--input-type=module', '-e', text(checkout), ...args];
        execFile(node, command, { ...options, timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) =>
          error ? fail(new Error(`${error.message}\n${stderr}`)) : done(stdout),
        );
      }),
    start: (script, ...args) => {
      const child = spawn(node, ['-e', script, ...args], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => child.kill('SIGKILL'));
      let text = '';
      child.stdout.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      return { pid: child.pid ?? 0, output: new Promise(done => child.once('close', () => done(text))) };
    },
    directory: name => directory(join('home', name)),
    mounts: () => mountsBelow(home),
  };
}

/**
 * The mode of /dev/fuse is the machine's, and test files run side by side: one such user at a time. `cat` ends, and with
 * it the lock, when its input does: also when this process is killed. Returns what ends it.
 */
async function takeDevice(): Promise<() => void> {
  const holder = spawn('flock', ['--timeout', `${DEVICE_WAIT_S}`, '/dev/fuse', 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [word] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  if (`${word}`.trim() !== 'held') throw new Error(`another test kept /dev/fuse for ${DEVICE_WAIT_S} s`);
  return () => holder.stdin.end();
}

/** Reading the table touches no mount. */
function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(path => path.startsWith(`${directory}/`));
}
