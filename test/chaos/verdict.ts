// Judges a scenario by what its readers saw. Pure: times in ms of one clock.

import type { FileRead } from '../support/swarm/reader.ts';

/** From when to when something was wrong. */
export interface Trouble {
  readonly start: number;
  readonly end: number;
  /** Reads of these nodes may wait while it lasts; otherwise they must go on. */
  readonly stopsReads: boolean;
  readonly nodes: readonly string[];
}

export interface NodeRecord {
  readonly node: string;
  readonly files: readonly FileRead[];
  /** Absent: it never did. */
  readonly finishedAt: number | undefined;
}

export interface Evidence {
  /** Of nodes that are judged. */
  readonly records: readonly NodeRecord[];
  /** SHA-256 by path. */
  readonly expected: Readonly<Record<string, string>>;
  readonly troubles: readonly Trouble[];
  /** The longest wait of a read without any trouble, ms; infinite where that is what is to be found out. */
  readonly calmWaitMs: number;
  readonly graceMs: number;
  /** Peers that a judged node has banned. */
  readonly banned: readonly string[];
  /** The one that may be banned, or must. */
  readonly evil?: { readonly peerId: string; readonly isLiar: boolean } | undefined;
}

export interface Verdict {
  /** What was not as it must be; empty: all well. */
  readonly faults: readonly string[];
  readonly longestWaitMs: number;
  /** The longest that a read waited beyond the troubles that may stop it. */
  readonly undueWaitMs: number;
  /** From the end of the trouble until every node that had not finished had read a file more. */
  readonly recoveryMs: number | undefined;
}

/** Without trouble reads take their time, too: they queue on full links, differently each time. */
const CALM_FACTOR = 1.5;
const LEAST_ALLOWED_MS = 2_000;
const EXAMPLES = 3;

export function judge(evidence: Evidence): Verdict {
  const { records, troubles, calmWaitMs, graceMs } = evidence;
  const allowed = Math.max(LEAST_ALLOWED_MS, CALM_FACTOR * calmWaitMs) + graceMs;
  const waits = records.flatMap(({ node, files }) =>
    files.flatMap(({ path, waits: all }) => all.map(([start, end]) => ({ node, path, start, end }))),
  );
  const undue = waits.map(wait => ({ ...wait, ms: wait.end - wait.start - excusedMs(wait, troubles) }));
  const late = undue.filter(({ ms }) => ms > allowed);
  const faults = [
    ...records.flatMap(record => faultsOf(record, evidence.expected)),
    ...some(late, ({ node, path, ms }) => `${node}: a read of ${path} waited ${seconds(ms)} too long`),
    ...faultsOfBans(evidence),
  ];
  return {
    faults,
    longestWaitMs: Math.max(0, ...waits.map(({ start, end }) => end - start)),
    undueWaitMs: Math.max(0, ...undue.map(({ ms }) => ms)),
    recoveryMs: recovery(records, troubles),
  };
}

function faultsOf({ node, files, finishedAt }: NodeRecord, expected: Evidence['expected']): string[] {
  const failed = files.filter(({ error }) => error !== undefined);
  const wrong = files.filter(({ path, sha256 }) => sha256 !== undefined && sha256 !== expected[path]);
  const read = new Set(files.map(({ path }) => path));
  const missing = Object.keys(expected).filter(path => !read.has(path));
  return [
    ...some(failed, ({ path, error }) => `${node}: ${path}: ${error}`),
    ...some(wrong, ({ path }) => `${node}: ${path} has wrong bytes`),
    ...some(missing, path => `${node}: ${path} was not read`),
    ...(finishedAt === undefined ? [`${node}: did not finish`] : []),
  ];
}

function faultsOfBans({ banned, evil }: Evidence): string[] {
  const honest = banned.filter(peerId => peerId !== evil?.peerId).map(peerId => `the honest ${peerId} was banned`);
  const isMissed = evil?.isLiar === true && !banned.includes(evil.peerId);
  return isMissed ? [...honest, `the liar ${evil.peerId} was not banned`] : honest;
}

/** How much of a wait lies within troubles that may stop this node's reads; those of one node never overlap. */
function excusedMs(
  wait: { readonly node: string; readonly start: number; readonly end: number },
  troubles: readonly Trouble[],
): number {
  return troubles
    .filter(({ stopsReads, nodes }) => stopsReads && nodes.includes(wait.node))
    .reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, wait.end) - Math.max(start, wait.start)), 0);
}

function recovery(records: readonly NodeRecord[], troubles: readonly Trouble[]): number | undefined {
  const times = troubles.flatMap(({ end, nodes }) =>
    records
      .filter(({ node, finishedAt }) => nodes.includes(node) && (finishedAt ?? Number.POSITIVE_INFINITY) > end)
      .map(({ files }) => Math.min(...files.filter(file => file.end > end).map(file => file.end - end))),
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

function some<T>(items: readonly T[], text: (item: T) => string): string[] {
  const shown = items.slice(0, EXAMPLES).map(text);
  return items.length > shown.length ? [...shown, `… and ${items.length - shown.length} more`] : shown;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
