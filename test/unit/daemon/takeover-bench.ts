// What tests of takeovers share: daemons that can be killed, and readers that wait for one. Not a test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { atEnd } from './daemon-under-test.ts';

/** Reads each file, over and over if it is told to, and says the set of digests, or the error. */
const READER = `
import hashlib, sys
print(*(hashlib.sha256(open(path, 'rb').read()).hexdigest() for path in sys.argv[1:]))
`;

export interface ProcessOrder {
  readonly root: string;
  readonly mountpoint: string;
  readonly mode: 'ro' | 'rw' | 'hang' | 'none' | 'deaf' | 'churn';
  readonly driver: 'fuse' | 'erofs';
}

/** A daemon in a process of its own, whose mounts outlive it; resolves when it has mounted, or started. */
export async function startProcess(t: TestContext, order: ProcessOrder, { waits = true } = {}): Promise<ChildProcess> {
  const { root, mountpoint, mode, driver } = order;
  const script = join(import.meta.dirname, 'daemon-process.ts');
  const args = [script, root, mountpoint, mode, driver, 'keep'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  if (waits) await once(child.stdout, 'data');
  return child;
}

export async function kill(child: ChildProcess, name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(name);
  await gone;
}

/** Programs that read files of a mount at once, each in a process of its own. */
export class Readers {
  readonly #children: readonly ChildProcess[];
  readonly #outputs: readonly Promise<string>[];
  #ended = 0;

  constructor(t: TestContext, files: readonly string[], count: number) {
    this.#children = Array.from({ length: count }, () =>
      spawn('python3', ['-c', READER, ...files], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    this.#outputs = this.#children.map(async child => {
      const pieces: Buffer[] = [];
      child.stdout?.on('data', piece => pieces.push(piece));
      child.stderr?.on('data', piece => pieces.push(piece));
      await once(child, 'close');
      this.#ended++;
      return Buffer.concat(pieces).toString().trim();
    });
    atEnd(t, () => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
  }

  /** How many have got an answer or an error. */
  get ended(): number {
    return this.#ended;
  }

  /** Resolves when each of them waits in the kernel for the file system. */
  async wait(): Promise<void> {
    await until(() => this.#children.every(({ pid }) => isBlocked(pid ?? 0)), 'the readers wait');
  }

  /** What they have read, the same for all: the digests of the files. */
  async digests(): Promise<readonly string[]> {
    const outputs = new Set(await Promise.all(this.#outputs));
    return [...outputs].flatMap(output => output.split(' '));
  }
}

function isBlocked(pid: number): boolean {
  const stack = readFileSync(`/proc/${pid}/stack`, 'latin1');
  return /request_wait_answer|fuse_|erofs_|folio_wait|filemap_/.test(stack);
}
