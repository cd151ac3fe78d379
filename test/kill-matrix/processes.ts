// The processes of the kill matrix: daemons that take orders, and readers. Each is ended by its own pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Order, Reply } from './player.ts';

const PLAYER = join(import.meta.dirname, 'player.ts');
const READER = join(import.meta.dirname, 'reader.py');

/** Longer than anything may take that is not killed. */
const PATIENCE_MS = 30_000;

export class DaemonProcess {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, PromiseWithResolvers<Reply>>();
  readonly #gone: Promise<unknown>;
  #number = 0;

  constructor(root: string, driver: string) {
    this.#child = spawn(process.execPath, [PLAYER, root, driver], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#gone = once(this.#child, 'exit');
    this.#child.stdin?.on('error', () => {}); // it was killed; `#gone` says so
    const { stdout } = this.#child;
    if (stdout !== null) createInterface({ input: stdout }).on('line', line => this.#hear(JSON.parse(line)));
    void this.#gone.then(() => {
      for (const { reject } of this.#asked.values()) reject(new Error('the daemon was killed'));
      this.#asked.clear();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Rejects when the daemon refuses, is killed, or takes too long. */
  async ask(order: Order): Promise<Reply> {
    const asked = Promise.withResolvers<Reply>();
    if (!this.isAlive) throw new Error('the daemon was killed');
    this.#asked.set(++this.#number, asked);
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    const reply = await within(asked.promise, `the daemon's answer to ${JSON.stringify(order)}`);
    if (reply.error !== undefined) throw new Error(`${order.order}: ${reply.error}`);
    return reply;
  }

  /** How many descriptors of connections it has. */
  get connections(): number {
    return connectionsOf(this.pid);
  }

  /** Resolves when it is gone: a thread of it that hung in the kernel would keep it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await within(this.#gone, `the end of daemon ${this.pid} after SIGKILL`);
  }

  /** Closes its orders, if it takes any: it ends by itself. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await within(this.#gone, `the end of daemon ${this.pid}`);
  }

  #hear(reply: Reply): void {
    this.#asked.get(reply.number)?.resolve(reply);
    this.#asked.delete(reply.number);
  }
}

export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #expected: string;
  #rounds = 0;
  #failure: string | undefined;
  #killed = false;

  constructor(
    seed: string,
    mode: 'once' | 'loop',
    files: { readonly paths: readonly string[]; readonly digests: readonly string[] },
  ) {
    this.#expected = files.digests.join(' ');
    this.#child = spawn('python3', [READER, seed, mode, ...files.paths], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    if (stdout !== null) createInterface({ input: stdout }).on('line', line => this.#hear(line));
    this.#ended = new Promise(resolve => {
      this.#child.once('close', (code, name) => {
        if (name === 'SIGBUS') this.#failure ??= 'error: SIGBUS';
        else if (!this.#killed && (code !== 0 || name !== null)) this.#failure ??= `ended with ${code ?? name}`;
        resolve();
      });
    });
  }

  /** Rounds that were right. */
  get rounds(): number {
    return this.#rounds;
  }

  /** An error that it got; wrong bytes throw. */
  get failure(): string | undefined {
    if (this.#failure?.startsWith('wrong')) throw new Error(this.#failure);
    return this.#failure;
  }

  get isBlocked(): boolean {
    try {
      const stack = readFileSync(`/proc/${this.#child.pid}/stack`, 'latin1');
      return /request_wait_answer|fuse_|erofs_|folio_wait|filemap_/.test(stack);
    } catch {
      return false;
    }
  }

  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  ended(): Promise<void> {
    return within(this.#ended, () => `the end of reader ${this.#child.pid}, which is ${stateOf(this.#child.pid)}`);
  }

  kill(): void {
    this.#killed = true;
    this.#child.kill('SIGKILL');
  }

  #hear(line: string): void {
    if (line === this.#expected) this.#rounds++;
    else this.#failure ??= line.startsWith('error') ? line : `wrong bytes: ${line}; expected ${this.#expected}`;
  }
}

/** How many descriptors of FUSE connections a process has. */
export function connectionsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).filter(fd => linkOf(`/proc/${pid}/fd/${fd}`) === '/dev/fuse').length;
  } catch {
    return 0; // gone
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}

/** Its state, and where each of its threads is in the kernel. */
function stateOf(pid: number | undefined): string {
  try {
    const state = /^State:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '?';
    const stacks = readdirSync(`/proc/${pid}/task`).map(thread =>
      readFileSync(`/proc/${pid}/task/${thread}/stack`, 'latin1').replaceAll(/\n|\[<0>\] /g, ' '),
    );
    return `${state}: ${stacks.join('; ')}`;
  } catch {
    return 'gone';
  }
}

export async function within<T>(promise: Promise<T>, what: string | (() => string)): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`));
    timer = setTimeout(fail, PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
