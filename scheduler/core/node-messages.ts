// Checks of what nodes say, before anything of it is believed or allocated for. Throws `malformed` or `limit`; the core
// then closes the connection with the message as the reason.

import { MAX_PIECES, PieceSet, piecesOfRuns, ShoalError } from '../../core/index.ts';
import { HostType, type NodeMessageProperties, type TaskId, taskIdFromBytes } from '../../proto/index.ts';
import type { SchedulerLimits } from './config.ts';
import type { NodeInfo } from './node.ts';
import type { LaneNumber } from './piece-queue.ts';
import { LABEL_SEPARATOR, type Place, placeOf } from './place.ts';

/** What a message of one kind holds. */
export type Said<Kind extends keyof NodeMessageProperties> = NonNullable<NodeMessageProperties[Kind]>;

/** Far more than any node has; keeps sums within what numbers hold exactly. */
const MAX_COUNT = 1_000_000;
/** Pieces that one message may give back: the most leases there are, doubled. */
const MAX_FAILED_PIECES = 1024;

export function nodeInfoOf(hello: Said<'hello'>, limits: SchedulerLimits): { info: NodeInfo; place: Place } {
  const addresses = hello.addresses ?? [];
  if (addresses.length > limits.addresses) throw tooMany('addresses', addresses.length, limits.addresses);
  for (const address of addresses) checkText('an address', address, limits.addressLength);
  const text = (what: string, value: string | null | undefined) => {
    checkText(what, value ?? '', limits.nameLength);
    return value ?? '';
  };
  return {
    info: {
      addresses: [...addresses],
      name: text('the name', hello.name),
      version: text('the version', hello.version),
      isSeed: hello.hostType === HostType.HOST_SEED,
      uploadSlots: countOf(hello.uploadSlots),
    },
    place: placeOf({
      region: text('the region', hello.region),
      zone: text('the zone', hello.zone),
      rack: text('the rack', hello.rack),
    }),
  };
}

export function joinedTaskOf(join: Said<'join'>): { readonly id: TaskId; readonly pieceCount: number } {
  const id = taskIdFromBytes(join.taskId ?? new Uint8Array());
  const pieceCount = join.pieceCount ?? 0;
  if (pieceCount >= 1 && pieceCount <= MAX_PIECES) return { id, pieceCount };
  throw new ShoalError('malformed', `task of ${pieceCount} pieces: expected 1 to ${MAX_PIECES}`);
}

/** A bitmap of the wire; without bytes an empty set. */
export function setOf(pieceCount: number, bytes: Uint8Array | null | undefined): PieceSet {
  if (bytes === undefined || bytes === null || bytes.length === 0) return new PieceSet(pieceCount);
  return PieceSet.fromBytes(pieceCount, bytes);
}

export function checkReport(report: Said<'report'>, limits: SchedulerLimits): void {
  let pieces = 0;
  for (const { piecesGained, piecesLost, chunksGained, chunksLost } of report.tasks ?? []) {
    pieces += lengthOf(piecesGained) + lengthOf(piecesLost) + lengthOf(chunksGained) + lengthOf(chunksLost);
  }
  if (pieces > limits.reportPieces) throw tooMany('pieces in a report', pieces, limits.reportPieces);
  const parents = report.parents?.length ?? 0;
  if (parents > limits.reportParents) throw tooMany('parents in a report', parents, limits.reportParents);
}

/** Unknown ones are background: they must not go before anybody. */
export function laneOf(lane: number | null | undefined): LaneNumber {
  return lane === 1 || lane === 2 ? lane : 3;
}

export function failedPiecesOf(runs: readonly number[] | null | undefined, pieceCount: number): ReadonlySet<number> {
  const pieces = new Set<number>();
  for (const piece of piecesOfRuns(runs ?? [], pieceCount)) {
    pieces.add(piece);
    if (pieces.size > MAX_FAILED_PIECES) throw tooMany('failed pieces', pieces.size, MAX_FAILED_PIECES);
  }
  return pieces;
}

export function countOf(value: number | null | undefined): number {
  return Math.min(MAX_COUNT, value ?? 0);
}

function lengthOf(list: readonly number[] | null | undefined): number {
  return list?.length ?? 0;
}

function checkText(what: string, text: string, most: number): void {
  if (text.length > most) throw new ShoalError('limit', `${what} has ${text.length} characters: at most ${most}`);
  if (text.includes(LABEL_SEPARATOR)) throw new ShoalError('malformed', `${what} has a NUL`);
}

function tooMany(what: string, found: number, most: number): ShoalError {
  return new ShoalError('limit', `${found} ${what}: at most ${most}`);
}
