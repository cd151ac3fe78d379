// What a scheduler says, checked and in this node's words. A scheduler is a member, but its word is no less hostile than
// another's: every number is held against what the task can have, and nothing is built that is larger than its message
// allows. Pure.

import { MAX_PIECES, PieceSet, piecesOfRuns, ShoalError } from '../../core/index.ts';
import { peerIdFromBytes, type SchedulerMessageProperties } from '../../proto/index.ts';
import type { ScheduledParent } from '../ports.ts';

/** Parents of a message, and peers in one about lessees: a node has 32 neighbours, and may hear of those that were. */
const MAX_PEERS = 256;
/** Pieces that one message may lease, or say the lessees of: leases under way of a task are a few hundred. */
const MAX_LEASED = 16_384;
const MAX_ADDRESSES = 16;
const MAX_ADDRESS_LENGTH = 256;
const MAX_REASON_LENGTH = 256;
const MAX_REPORT_INTERVAL_MS = 60_000;
const MIN_REPORT_INTERVAL_MS = 50;
const MAX_LEASE_MS = 3_600_000;
const MAX_HOLD_MS = 3_600_000;
const MAX_BAN_MS = 86_400_000;
const FARTHEST = 3;

export type News =
  | { readonly kind: 'welcome'; readonly reportIntervalMs: number }
  | { readonly kind: 'parents'; readonly handle: number; readonly add: ScheduledParent[]; readonly remove: string[] }
  | { readonly kind: 'lease'; readonly handle: number; readonly pieces: number[]; readonly deadlineMs: number }
  | { readonly kind: 'lessees'; readonly handle: number; readonly lessees: { peerId: string; pieces: number[] }[] }
  | { readonly kind: 'trace'; readonly handle: number; readonly pieces: number[] }
  | { readonly kind: 'ban'; readonly peerId: string; readonly durationMs: number; readonly reason: string }
  | { readonly kind: 'hold'; readonly handle: number; readonly durationMs: number }
  | { readonly kind: 'refused'; readonly handle: number; readonly reason: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  /** About a task that was left in the meantime, or of a kind that a later version has. */
  | { readonly kind: 'nothing' };

const NOTHING: News = { kind: 'nothing' };

type Part<K extends keyof SchedulerMessageProperties> = NonNullable<SchedulerMessageProperties[K]>;

/** `pieceCount` of a handle; undefined for one that was left. Throws `malformed`. */
export function newsOf(message: SchedulerMessageProperties, pieceCount: (handle: number) => number | undefined): News {
  if (message.welcome) return welcomeOf(message.welcome);
  if (message.parents) return parentsOf(message.parents, pieceCount);
  if (message.lease) return leaseOf(message.lease, pieceCount);
  if (message.lessees) return lesseesOf(message.lessees, pieceCount);
  if (message.trace) return traceOf(message.trace, pieceCount);
  if (message.ban) return banOf(message.ban);
  if (message.originHold) {
    const { handle, durationMs } = message.originHold;
    return { kind: 'hold', handle: handle ?? 0, durationMs: Math.min(durationMs ?? 0, MAX_HOLD_MS) };
  }
  if (message.taskRefused) {
    const { handle, reason } = message.taskRefused;
    return { kind: 'refused', handle: handle ?? 0, reason: reasonOf(reason) };
  }
  if (message.ping) return { kind: 'ping' };
  return message.pong ? { kind: 'pong' } : NOTHING;
}

function welcomeOf({ reportIntervalMs }: Part<'welcome'>): News {
  const asked = reportIntervalMs ?? 0;
  return {
    kind: 'welcome',
    reportIntervalMs: Math.max(MIN_REPORT_INTERVAL_MS, Math.min(asked, MAX_REPORT_INTERVAL_MS)),
  };
}

function parentsOf(parents: Part<'parents'>, pieceCount: (handle: number) => number | undefined): News {
  const handle = parents.handle ?? 0;
  const [add, remove] = [parents.add ?? [], parents.remove ?? []];
  atMost(add.length, MAX_PEERS, 'parents');
  atMost(remove.length, MAX_PEERS, 'parents that went');
  const count = pieceCount(handle);
  if (count === undefined) return NOTHING;
  return {
    kind: 'parents',
    handle,
    add: add.map(parent => ({
      peerId: peerIdFromBytes(parent.peerId ?? new Uint8Array(0)),
      addresses: addressesOf(parent.addresses ?? []),
      pieces: setOf(count, parent.pieces),
      chunks: setOf(count, parent.chunks),
      distance: Math.min(parent.distance ?? 0, FARTHEST),
    })),
    remove: remove.map(peerIdFromBytes),
  };
}

function leaseOf(lease: Part<'lease'>, pieceCount: (handle: number) => number | undefined): News {
  const handle = lease.handle ?? 0;
  const count = pieceCount(handle);
  if (count === undefined) return NOTHING;
  const pieces = listed(lease.runs ?? [], count, MAX_LEASED);
  return { kind: 'lease', handle, pieces, deadlineMs: Math.min(lease.deadlineMs ?? 0, MAX_LEASE_MS) };
}

function lesseesOf(message: Part<'lessees'>, pieceCount: (handle: number) => number | undefined): News {
  const handle = message.handle ?? 0;
  const all = message.lessees ?? [];
  atMost(all.length, MAX_PEERS, 'lessees');
  const count = pieceCount(handle);
  if (count === undefined) return NOTHING;
  let left = MAX_LEASED;
  const lessees = all.map(({ peerId, runs }) => {
    const pieces = listed(runs ?? [], count, left);
    left -= pieces.length;
    return { peerId: peerIdFromBytes(peerId ?? new Uint8Array(0)), pieces };
  });
  return { kind: 'lessees', handle, lessees };
}

function traceOf({ handle = 0, runs }: Part<'trace'>, pieceCount: (handle: number) => number | undefined): News {
  const count = pieceCount(handle ?? 0);
  if (count === undefined) return NOTHING;
  return { kind: 'trace', handle: handle ?? 0, pieces: listed(runs ?? [], count, MAX_LEASED) };
}

function banOf({ peerId, durationMs, reason }: Part<'ban'>): News {
  return {
    kind: 'ban',
    peerId: peerIdFromBytes(peerId ?? new Uint8Array(0)),
    durationMs: Math.min(durationMs ?? 0, MAX_BAN_MS),
    reason: reasonOf(reason),
  };
}

/** Empty: nothing. */
function setOf(count: number, bytes: Uint8Array | null | undefined): PieceSet {
  return bytes && bytes.length > 0 ? PieceSet.fromBytes(count, bytes) : new PieceSet(count);
}

/** In the order of the message: runs of a lease need not ascend. */
function listed(runs: readonly number[], count: number, most: number): number[] {
  const pieces: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const length = runs[i + 1] ?? 0;
    if (length > most - pieces.length) throw new ShoalError('malformed', `more than ${most} pieces in a message`);
    for (const piece of piecesOfRuns(runs.slice(i, i + 2), Math.min(count, MAX_PIECES))) pieces.push(piece);
  }
  return pieces;
}

function addressesOf(addresses: readonly string[]): readonly string[] {
  atMost(addresses.length, MAX_ADDRESSES, 'addresses');
  for (const address of addresses) atMost(address.length, MAX_ADDRESS_LENGTH, 'characters of an address');
  return addresses;
}

function reasonOf(reason: string | null | undefined): string {
  return (reason ?? '').slice(0, MAX_REASON_LENGTH);
}

function atMost(found: number, most: number, what: string): void {
  if (found > most) throw new ShoalError('malformed', `${found} ${what} in a message: at most ${most}`);
}
