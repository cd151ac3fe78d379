// The tables of bench/swarm.ts: medians over the runs of a row, with the smallest and the largest.

import { bytes, percent, printLine, printTable, seconds } from '../../cli/output.ts';
import { median } from '../shoal.ts';
import { lowerBound } from './bound.ts';
import type { Mode, StartSample } from './start.ts';

const MIB = 1 << 20;

export interface Row {
  readonly mode: Mode;
  readonly nodes: number;
  readonly hasPeers: boolean;
  /** Payload of every link, Mbit/s. */
  readonly mbit: number;
  readonly samples: readonly StartSample[];
}

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** All ratios: to the bound, to F, to F/us of the MiB. */
export interface RowResult {
  readonly mode: Mode;
  readonly nodes: number;
  readonly peers: boolean;
  readonly mbit: number;
  readonly runs: number;
  readonly neededBytes: number;
  readonly boundSeconds: number;
  readonly p50: Spread;
  readonly max: Spread;
  readonly originLink: Spread;
  readonly originBodies: Spread;
  readonly originBlobs: Spread;
  readonly mountMs: Spread;
  /** Flash: of MiB 1, 2, … */
  readonly parts: readonly Spread[];
  readonly cores: Readonly<Record<keyof StartSample['cores'], number>>;
  readonly answerP99Ms: Spread;
  readonly retransmits: Spread;
  readonly samples: readonly StartSample[];
}

export function resultOf(row: Row): RowResult {
  const { mode, nodes, hasPeers, mbit, samples } = row;
  const over = (value: (sample: StartSample) => number) => spread(samples.map(value));
  const cores = (key: keyof StartSample['cores']) => median(samples.map(sample => sample.cores[key]));
  const parts = samples[0]?.partsMs ?? [];
  return {
    mode,
    nodes,
    peers: hasPeers,
    mbit,
    runs: samples.length,
    neededBytes: median(samples.map(({ neededBytes }) => neededBytes)),
    boundSeconds: median(samples.map(sample => boundOf(row, sample))),
    p50: over(sample => median(sample.finishMs) / 1000 / boundOf(row, sample)),
    max: over(sample => Math.max(...sample.finishMs) / 1000 / boundOf(row, sample)),
    originLink: over(({ originLinkBytes, neededBytes }) => originLinkBytes / neededBytes),
    originBodies: over(({ originBodyBytes, neededBytes }) => originBodyBytes / neededBytes),
    originBlobs: over(({ originBlobBytes, neededBytes }) => originBlobBytes / neededBytes),
    mountMs: over(sample => sample.mountMs),
    parts: parts.map((_, part) =>
      over(({ partsMs }) => (partsMs[part] ?? Number.NaN) / 1000 / (((part + 1) * MIB) / bytesPerSecond(mbit))),
    ),
    cores: {
      peers: cores('peers'),
      scheduler: cores('scheduler'),
      registry: cores('registry'),
      bench: cores('bench'),
      others: cores('others'),
      machine: cores('machine'),
      stolen: cores('stolen'),
    },
    answerP99Ms: over(({ answers }) => answers.p99),
    retransmits: over(sample => sample.retransmits),
    samples,
  };
}

function boundOf({ nodes, mbit }: Row, { neededBytes }: StartSample): number {
  const rate = bytesPerSecond(mbit);
  return lowerBound({
    bytes: neededBytes,
    originUp: rate,
    nodes: Array.from({ length: nodes }, () => ({ up: rate, down: rate })),
  });
}

function bytesPerSecond(mbit: number): number {
  return (mbit * 1e6) / 8;
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function printReport(results: readonly RowResult[]): void {
  const head = ['MODE', 'PEERS', 'N', 'F', 'BOUND', 'P50', 'MAX', 'ORIGIN LINK', 'BODIES', 'BLOBS'];
  const rows = results.map(result => [
    ...nameOf(result),
    bytes(result.neededBytes),
    seconds(result.boundSeconds * 1000),
    ...[result.p50, result.max, result.originLink, result.originBodies, result.originBlobs].map(ratio),
  ]);
  printTable(head, rows, head.slice(2));
  printLine();
  printMachine(results);
  const flash = results.filter(({ parts }) => parts.length > 0);
  if (flash.length === 0) return;
  printLine();
  const columns = flash[0]?.parts.map((_, part) => `MiB ${part + 1}`) ?? [];
  const table = flash.map(result => [...nameOf(result).slice(1), ...result.parts.map(ratio)]);
  printTable(['PEERS', 'N', ...columns], table, ['N', ...columns]);
}

function printMachine(results: readonly RowResult[]): void {
  const head = ['MODE', 'PEERS', 'N', 'CORES PEERS', 'SCHEDULER', 'REGISTRY', 'BENCH', 'OTHERS', 'STOLEN'];
  const rows = results.map(result => {
    const { peers, scheduler, registry, bench, others, stolen, machine } = result.cores;
    return [
      ...nameOf(result),
      ...[peers, scheduler, registry, bench, others, stolen].map(cores => cores.toFixed(2)),
      percent(machine),
      `${result.mountMs.median.toFixed(0)} ms`,
      `${result.answerP99Ms.median.toFixed(0)} (${result.answerP99Ms.max.toFixed(0)}) ms`,
      `${result.retransmits.median}`,
    ];
  });
  const more = ['MACHINE', 'MOUNT', 'ANSWER P99', 'RESENT'];
  printTable([...head, ...more], rows, [...head.slice(2), ...more]);
}

function nameOf({ mode, peers, nodes }: RowResult): string[] {
  return [mode, peers ? 'yes' : 'no', `${nodes}`];
}

function ratio({ median: middle, min, max }: Spread): string {
  return `${middle.toFixed(3)} (${min.toFixed(3)}-${max.toFixed(3)})`;
}
