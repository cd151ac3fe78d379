// What a person sees: tables, byte counts, progress. Results go to standard output, everything else to standard error.

import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import type { MountInfo } from '../core/index.ts';
import { harmless } from './harmless.ts';

export function bytes(count: number): string {
  return prettyBytes(count, { maximumFractionDigits: 1 });
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** How long ago, in one unit: `12 s`, `5 min`, `3 h`, `9 d`. */
export function age(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const;
  const [name, size] = units.find(([, unit]) => ms >= unit) ?? (['s', 1_000] as const);
  return `${Math.max(0, Math.floor(ms / size))} ${name}`;
}

/** How long until then, from a wall time; `over` when it has passed. */
export function left(until: number, now: number): string {
  return until <= now ? 'over' : age(until - now);
}

/** Never rounds a part up to the whole: "100 %" means all. */
/** `erofs,loop`. */
export function driverWords({ driver, erofsBacking }: Pick<MountInfo, 'driver' | 'erofsBacking'>): string {
  return erofsBacking === undefined ? driver : `${driver},${erofsBacking}`;
}

export function percent(part: number): string {
  return `${(Math.floor(part * 1000) / 10).toFixed(part === 1 ? 0 : 1)} %`;
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${harmless(text)}\n`);
}

const BORDERLESS = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

/** A plain table; columns named in `right` are right-aligned. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): void {
  const table = new Table({
    ...BORDERLESS,
    head: [...head],
    colAligns: head.map(name => (right.includes(name) ? 'right' : 'left')),
  });
  for (const row of rows) table.push(row.map(harmless)); // before it counts what is seen of them
  printLine(table.toString());
}

const LABEL_CHARS = 20;

/** Bars on standard error while something long runs; nothing at all when that is no terminal or `quiet`. */
export class ProgressDisplay implements Disposable {
  readonly #bars: MultiBar | undefined;
  readonly #byName = new Map<string, SingleBar>();

  constructor(quiet: boolean) {
    if (quiet || !process.stderr.isTTY) return;
    this.#bars = new MultiBar(
      {
        format: '{name} {bar} {percentage}%  {done} of {all}',
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: false,
        barsize: 30,
      },
      Presets.shades_classic,
    );
  }

  /** Creates or moves the bar of this name. Both numbers are bytes. */
  update(
    name: string,
    state: { readonly label: string; readonly readBytes: number; readonly totalBytes: number },
  ): void {
    const { label, readBytes, totalBytes } = state;
    if (!this.#bars || totalBytes <= 0) return;
    const shown = {
      name: label.padEnd(LABEL_CHARS).slice(0, LABEL_CHARS),
      done: bytes(readBytes),
      all: bytes(totalBytes),
    };
    const bar = this.#byName.get(name);
    if (bar) bar.update(readBytes, shown);
    else this.#byName.set(name, this.#bars.create(totalBytes, readBytes, shown));
  }

  [Symbol.dispose](): void {
    this.#bars?.stop();
  }
}
