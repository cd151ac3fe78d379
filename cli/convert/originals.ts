// What a conversion leaves behind: signatures, SBOMs and attestations belong to the original's digest. Looks for them,
// copies them when asked, and puts what there is to know into words.

import { resolve } from 'node:path';
import {
  copyReferrers,
  countAttestations,
  type FoundReferrers,
  findReferrers,
  type ReferrersReport,
  referrersReport,
} from '../../converter/index.ts';
import { type Descriptor, isShoalError, messageOf, type NamedSource, ShoalError } from '../../core/index.ts';
import { type OpenedSink, type OpenedSource, parseReference } from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';

export interface OriginalsReport extends ReferrersReport {
  /** Attestation manifests inside the original's index, as buildkit puts them there. */
  readonly attestations: number;
  /** Referrers that were copied to the target; absent unless that was asked for. */
  readonly copied?: number;
  /** Why it is not known what refers to the original. */
  readonly problem?: string;
}

export interface OriginalsOptions {
  readonly from: string;
  readonly to: string;
  readonly copy: boolean;
  /** The manifests that are converted. */
  readonly manifests: readonly Descriptor[];
  readonly onBytes: (bytes: number) => void;
}

/** Before the conversion: whatever goes wrong here leaves the target's name as it was. */
export async function lookAfterOriginals(
  context: CommandContext,
  { source, sink }: { readonly source: OpenedSource; readonly sink: OpenedSink },
  options: OriginalsOptions,
): Promise<OriginalsReport> {
  const { signal } = context;
  const root = await source.named({ signal });
  const attestations = countAttestations(root, source.name);
  const subjects = [{ mediaType: root.mediaType, digest: root.digest, size: root.bytes.length }, ...options.manifests];
  let found: readonly FoundReferrers[];
  try {
    found = await findReferrers({ source, subjects, signal });
  } catch (error) {
    if (options.copy || !isShoalError(error) || error.code === 'aborted') throw error;
    const digests = [...new Set(subjects.map(({ digest }) => digest))];
    return { subjects: digests, count: 0, types: {}, attestations, problem: messageOf(error) };
  }
  const report = { ...referrersReport(found), attestations };
  if (!options.copy) return report;
  if (isSamePlace(options.from, options.to)) return { ...report, copied: 0 };
  return { ...report, copied: await copyReferrers(found, { source, sink, signal, onBytes: options.onBytes }) };
}

/** The manifest of the one platform that is converted. */
export async function manifestOf(
  source: NamedSource,
  ...args: Parameters<NamedSource['manifest']>
): Promise<Descriptor> {
  const { digest, mediaType, bytes } = await source.manifest(...args);
  return { digest, mediaType, size: bytes.length };
}

/** A few lines for people. */
export function describeOriginals(report: OriginalsReport): string[] {
  const { subjects, count, types, attestations, copied, problem } = report;
  const lines = [`signatures, SBOMs and attestations belong to the original, ${subjects[0]}`];
  if (problem !== undefined) return [...lines, `what refers to it could not be found out: ${problem}`];
  const kinds = Object.entries(types).map(([type, number]) => `${number} ${type}`);
  if (count > 0) lines.push(`${count} ${count === 1 ? 'refers' : 'refer'} to it: ${kinds.join(', ')}`);
  if (attestations > 0) {
    const are = attestations === 1 ? 'manifest in its index is' : 'manifests in its index are';
    lines.push(`${attestations} attestation ${are} left out`);
  }
  if (count > 0 && copied === undefined) lines.push('take them along with --copy-referrers');
  if (copied !== undefined) {
    lines.push(copied === 0 ? 'nothing had to be copied' : `${copied} copied, with the original they are about`);
  }
  return lines;
}

/** Is what refers to the original in the target's repository, directory or file already? */
function isSamePlace(from: string, to: string): boolean {
  const [a, b] = [parseReference(from), parseReference(to)];
  if (a.kind === 'registry' && b.kind === 'registry') return a.host === b.host && a.repository === b.repository;
  if (a.kind === 'layout' && b.kind === 'layout') return resolve(a.directory) === resolve(b.directory);
  return a.kind === 'archive' && b.kind === 'archive' && resolve(a.file) === resolve(b.file);
}

/** Docker's media types are for registries: no reader of layouts looks for them there. */
export function checkFormat(to: string, format: string): void {
  if (format !== 'docker' || parseReference(to).kind === 'registry') return;
  throw new ShoalError('usage', `--format docker: ${to} is an OCI layout; Docker's format is for registries`);
}
