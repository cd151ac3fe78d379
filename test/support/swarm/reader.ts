// Drives reader.py: a reader is started before the moment that counts, and told when to begin.

import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { kill, startInside, within } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, 'reader.py');
const START_MS = 20_000;

const nanoseconds = z.number().transform(ns => ns / 1e6);

/** One file that was read to its end, or until it failed. Times in ms of the machine's monotonic clock. */
const readFile = z.object({
  path: z.string(),
  start: nanoseconds,
  end: nanoseconds,
  /** Begin and end of every read(2) of it that took longer than half a second. */
  waits: z.array(z.tuple([nanoseconds, nanoseconds])),
  sha256: z.string().optional(),
  /** The name of the error, like EIO. */
  error: z.string().optional(),
});
export type FileRead = z.infer<typeof readFile>;

const message = z.union([
  readFile,
  z.object({ waiting: z.literal(true) }),
  z.object({ part: z.number(), end: nanoseconds }),
  z.object({ ready: z.string(), end: nanoseconds }),
  z.object({ failed: z.number() }),
  z.object({ done: nanoseconds, cpu: z.number() }),
]);

export type Reading =
  | { readonly kind: 'all'; readonly directory: string; readonly threads: number; readonly seed: number }
  | { readonly kind: 'ahead'; readonly file: string; readonly parts: number; readonly partBytes: number }
  | { readonly kind: 'program'; readonly directory: string; readonly command: readonly string[] };

export class Reader {
  readonly files: FileRead[] = [];
  /** When each part of a file that is read ahead was there. */
  readonly parts = new Map<number, number>();
  /** What the program said, and when. */
  ready: { readonly text: string; readonly at: number } | undefined;
  /** Seconds of processor time, its own and its program's; known at its end. */
  cpuSeconds = 0;
  readonly #child: ChildProcess;
  readonly #waiting = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<number>();
  /** Called after each file. */
  onFile: (file: FileRead) => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const outcome of [this.#waiting, this.#ended]) outcome.promise.catch(() => {}); // asked for later, or never
    child.once('error', error => this.#fail(error));
    child.once('exit', (code, signal) => this.#fail(new Error(`a reader ended with ${signal ?? code}`)));
    if (child.stdout) createInterface(child.stdout).on('line', line => this.#hearOrFail(line));
  }

  /** Resolves when it waits for `begin`. */
  static async start(namespace: string, reading: Reading): Promise<Reader> {
    const command = ['python3', PROGRAM, ...argumentsOf(reading)];
    const reader = new Reader(startInside({ namespace, command, stdin: 'pipe', stdout: 'pipe' }));
    await within(START_MS, reader.#waiting.promise, 'a reader to start');
    return reader;
  }

  begin(): void {
    this.#child.stdin?.end('go\n');
  }

  /** Resolves at its end, with the time of it; rejects when it failed or was killed. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  kill(): Promise<void> {
    return kill(this.#child);
  }

  #hearOrFail(line: string): void {
    try {
      this.#hear(line);
    } catch (cause) {
      this.#fail(new Error(`a reader said ${line}`, { cause }));
    }
  }

  #hear(line: string): void {
    const heard = message.parse(JSON.parse(line));
    if ('path' in heard) {
      this.files.push(heard);
      this.onFile(heard);
    } else if ('part' in heard) this.parts.set(heard.part, heard.end);
    else if ('ready' in heard) this.ready = { text: heard.ready, at: heard.end };
    else if ('failed' in heard) this.#fail(new Error(`the program ended with ${heard.failed}`));
    else if ('waiting' in heard) this.#waiting.resolve();
    else {
      this.cpuSeconds = heard.cpu;
      this.#ended.resolve(heard.done);
    }
  }

  #fail(error: Error): void {
    this.#waiting.reject(error);
    this.#ended.reject(error);
  }
}

function argumentsOf(reading: Reading): string[] {
  switch (reading.kind) {
    case 'all':
      return ['all', reading.directory, `${reading.threads}`, `${reading.seed}`];
    case 'ahead':
      return ['ahead', reading.file, `${reading.parts}`, `${reading.partBytes}`];
    case 'program':
      return ['program', reading.directory, ...reading.command];
  }
}
