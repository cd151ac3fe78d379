// The table of bench/fs: medians, and how each of Shoal's drivers compares with the libfuse program.

import { printLine, printTable } from '../../cli/output.ts';
import { median } from '../shoal.ts';
import type { Row, Sample, State } from './measure.ts';

/** What the drivers are measured by. */
const BASELINE = 'libfuse';
const FLOOR = 0.9;

const DROPPED: Readonly<Record<State, string>> = {
  warm: `Before each measurement the kernel's directory entries and inodes were dropped (drop_caches 2), which for FUSE
and EROFS drops pages, too, and the large file's pages by posix_fadvise; the machine's own file system keeps its pages, and EROFS
those of what it reads from.`,
  cold: 'Before each measurement all of it was dropped (drop_caches 3), and then the cache files read into memory again.',
};

export interface Cell {
  readonly row: Row;
  readonly contestant: string;
  /** One for each round. */
  readonly samples: Sample[];
  /** The same row when the kernel's caches hold what they can. */
  cached: Sample | undefined;
}

const middle = (cell: Cell, key: keyof Sample) => median(cell.samples.map(sample => sample[key]));

/** For programs: the samples, and what the table says of them. */
export function reportJson(cells: readonly Cell[]) {
  return cells.map(cell => ({
    ...cell.row,
    contestant: cell.contestant,
    microsecondsPerOperation: middle(cell, 'microseconds'),
    speed: speed(cell, cells),
    cpuSecondsPerMillion: { daemon: middle(cell, 'daemonCpu'), total: middle(cell, 'totalCpu') },
    cached: cell.cached,
    samples: cell.samples,
  }));
}

/**
 * Above 1: faster than the baseline. The ratio is taken in each round, where both were measured one right after the other,
 * and the median of these: other work on the machine comes and goes, and hits a round as a whole.
 */
function speed(cell: Cell, cells: readonly Cell[]): number | undefined {
  const baseline = cells.find(({ row, contestant }) => row === cell.row && contestant === BASELINE);
  if (baseline === undefined) return undefined;
  const theirs = baseline.samples.map(sample => sample.microseconds);
  return median(cell.samples.map((sample, round) => (theirs[round] ?? Number.NaN) / sample.microseconds));
}

export function printReport(cells: readonly Cell[], state: State): void {
  const head = ['ROW', 'THREADS', 'WHO', 'PER OP', 'MIN', 'MAX', 'SPEED', 'DAEMON CPU', 'TOTAL CPU', 'CACHED'];
  const rows = cells.map(cell => {
    const times = cell.samples.map(sample => sample.microseconds);
    return [
      cell.row.name,
      `${cell.row.threads}`,
      cell.contestant,
      micros(median(times)),
      micros(Math.min(...times)),
      micros(Math.max(...times)),
      `${speed(cell, cells)?.toFixed(2) ?? ''}`,
      middle(cell, 'daemonCpu').toFixed(1),
      middle(cell, 'totalCpu').toFixed(1),
      micros(cell.cached?.microseconds ?? Number.NaN),
    ];
  });
  printTable(head, rows, head.slice(3));
  printLine(
    `
An operation is a path, a listed entry, a read, or for sequential a MiB (1000 µs are 1 GB/s). PER OP is the median,
SPEED the libfuse program's time over it, the median of the rounds' ratios; CPU is in seconds per million operations, of
the process that answers, and with the load's. Everything is in Shoal's cache, whose files are in the page cache, as is
libfuse's data file. ${DROPPED[state]} CACHED is once more with what the kernel then keeps: no daemon is asked.`,
  );
  const slow = cells.filter(cell => (speed(cell, cells) ?? FLOOR) < FLOOR && cell.contestant === 'fuse');
  const names = slow.map(({ row }) => `${row.name} × ${row.threads}`);
  printLine(`fuse below ${FLOOR} x of the libfuse program: ${names.length === 0 ? 'nowhere' : names.join(', ')}`);
}

/** Bytes in the page cache for each byte that was read. */
export function printPageCache(found: readonly (readonly [name: string, perByte: number])[]): void {
  const list = found.map(([name, perByte]) => `${name} ${perByte.toFixed(2)}`);
  printLine(`bytes in the page cache for each byte of the large file, read once: ${list.join(', ')}`);
}

function micros(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)} µs`;
}
