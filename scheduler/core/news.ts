// What members are to be told, collected between two flushes and then put into as few messages as will do. The order in
// a batch: who the neighbours are, then what to fetch, then who fetches what, so that a lessee is known before it is
// named.

import { runsOf } from '../../core/index.ts';
import type { SchedulerMessageProperties } from '../../proto/index.ts';
import type { Member } from './member.ts';

export interface News {
  readonly added: Member[];
  readonly removed: Member[];
  /** Pieces to fetch, in this order. */
  readonly lease: Set<number>;
  leaseDeadlineMs: number;
  /** By piece, who fetches it: the last word counts. */
  readonly lessees: Map<number, Member>;
  /** ms without leases; 0 for none. */
  holdMs: number;
}

/** A message to a node has at most 4 MiB + 64 KiB (docs/protocol.md): bitmaps stay below this, addresses fit beside. */
const MAX_BITMAP_BYTES = 4 * 1024 * 1024;

export class NewsDesk {
  readonly #waiting = new Set<Member>();

  get size(): number {
    return this.#waiting.size;
  }

  neighbourCame(member: Member, neighbour: Member): void {
    const news = this.#of(member);
    take(news.removed, neighbour);
    news.added.push(neighbour);
  }

  neighbourWent(member: Member, neighbour: Member): void {
    const news = this.#of(member);
    for (const [piece, lessee] of news.lessees) if (lessee === neighbour) news.lessees.delete(piece);
    // Never told about: nothing to take back.
    if (!take(news.added, neighbour)) news.removed.push(neighbour);
  }

  leased(member: Member, piece: number, deadlineMs: number): void {
    const news = this.#of(member);
    news.lease.add(piece);
    news.leaseDeadlineMs = deadlineMs;
  }

  fetches(member: Member, lessee: Member, piece: number): void {
    this.#of(member).lessees.set(piece, lessee);
  }

  originRests(member: Member, holdMs: number): void {
    this.#of(member).holdMs = holdMs;
  }

  forget(member: Member): void {
    member.news = undefined;
    this.#waiting.delete(member);
  }

  /** Gives everything to `send`, and has nothing afterwards. */
  deliver(send: (member: Member, message: SchedulerMessageProperties) => void): void {
    for (const member of this.#waiting) {
      const { news } = member;
      member.news = undefined;
      if (news !== undefined) for (const message of messagesOf(member, news)) send(member, message);
    }
    this.#waiting.clear();
  }

  #of(member: Member): News {
    if (member.news === undefined) {
      member.news = { added: [], removed: [], lease: new Set(), leaseDeadlineMs: 0, lessees: new Map(), holdMs: 0 };
      this.#waiting.add(member);
    }
    return member.news;
  }
}

function messagesOf(member: Member, news: News): SchedulerMessageProperties[] {
  const { handle } = member;
  const messages = parentsMessages(member, news);
  if (news.holdMs > 0) messages.push({ originHold: { handle, durationMs: news.holdMs } });
  for (const pieces of ascendingParts(news.lease)) {
    messages.push({ lease: { handle, runs: runsOf(pieces), deadlineMs: news.leaseDeadlineMs } });
  }
  if (news.lessees.size > 0) {
    const byLessee = Map.groupBy(news.lessees, ([, lessee]) => lessee);
    const lessees = [];
    for (const [{ node }, told] of byLessee) {
      lessees.push({ peerId: node.peerId, runs: runsOf(told.map(([piece]) => piece).sort(ascending)) });
    }
    messages.push({ lessees: { handle, lessees } });
  }
  return messages;
}

function parentsMessages(member: Member, news: News): SchedulerMessageProperties[] {
  if (news.added.length + news.removed.length === 0) return [];
  const { handle } = member;
  const messages: SchedulerMessageProperties[] = [];
  let add: object[] = [];
  let remove: Uint8Array[] | undefined = news.removed.map(parent => parent.node.peerId);
  let room = MAX_BITMAP_BYTES;
  const end = () => {
    messages.push({ parents: remove === undefined || remove.length === 0 ? { handle, add } : { handle, add, remove } });
    remove = undefined;
    add = [];
    room = MAX_BITMAP_BYTES;
  };
  for (const parent of news.added) {
    const pieces = parent.pieces.bytes;
    if (add.length > 0 && room < 2 * pieces.length) end();
    room -= 2 * pieces.length;
    add.push({
      peerId: parent.node.peerId,
      addresses: parent.node.info?.addresses ?? [],
      pieces,
      chunks: parent.chunks?.bytes ?? member.task.nothing.bytes,
      distance: parent.node.distanceTo(member.node),
    });
  }
  end();
  return messages;
}

/** Runs ascend within a message, so an order that goes back begins another. */
function ascendingParts(pieces: Iterable<number>): number[][] {
  const parts: number[][] = [];
  let last = -1;
  for (const piece of pieces) {
    const part = parts.at(-1);
    if (part !== undefined && piece > last) part.push(piece);
    else parts.push([piece]);
    last = piece;
  }
  return parts;
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Takes one out; returns whether it was there. */
function take<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at < 0) return false;
  list.splice(at, 1);
  return true;
}
