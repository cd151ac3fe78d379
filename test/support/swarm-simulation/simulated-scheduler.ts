// A scheduler that follows docs/protocol.md, for one task at a time: parents, wants, leases. `TaskScheduler` is the seam:
// the real core is put here behind the same two methods.

import { LANES, type Lane, PieceSet } from '../../../core/index.ts';
import type { JoinedTask, ScheduledEvents, ScheduledTask, Schedulers } from '../../../peer/ports.ts';
import type { SimulatedInternet } from './simulated-network.ts';

/** What the simulation needs of a scheduler: one `Schedulers` for each node. */
export interface TaskScheduler {
  forNode(peerId: string): Schedulers;
  /** The process is gone, and comes back with nothing in mind. */
  stop(): void;
  start(): void;
}

export interface SchedulerSettings {
  /** Leases under way at once, of so many members. */
  readonly leases: (members: number, lane: Lane) => number;
  readonly leasesOfOne: number;
  readonly leaseMs: number;
  /** Neighbours of a member, at most. */
  readonly neighbours: number;
}

/** A member that wanted something so lately is still at it. */
const RECENTLY_MS = 10_000;

interface Member {
  readonly peerId: string;
  readonly events: ScheduledEvents;
  readonly task: JoinedTask;
  pieces: PieceSet;
  readonly neighbours: Set<Member>;
  /** Under way: piece and until when. */
  readonly leases: Map<number, number>;
  granted: number;
  isBarred: boolean;
  /** Pieces that waited to be sent when it last reported. */
  queue: number;
  /** When it last wanted something of a lane. */
  readonly wantedAt: Map<Lane, number>;
}

interface Accusation {
  readonly by: string;
  readonly peerId: string;
  readonly what: string;
}

interface Wanted {
  readonly members: Map<Member, Lane>;
  readonly order: number;
  lane: Lane;
}

export class SimulatedScheduler implements TaskScheduler {
  readonly accusations: Accusation[] = [];
  readonly banned = new Set<string>();
  readonly #internet: SimulatedInternet;
  readonly #settings: SchedulerSettings;
  readonly #joins = new Map<string, { join(): void; events: ScheduledEvents }>();
  #members = new Map<string, Member>();
  #wanted = new Map<number, Wanted>();
  #leases = new Map<number, { readonly member: Member; readonly until: number }>();
  #holdUntil = 0;
  #isUp = true;
  #isAsked = false;

  constructor(internet: SimulatedInternet, settings: SchedulerSettings) {
    this.#internet = internet;
    this.#settings = settings;
    const tick = () => {
      this.#grant();
      internet.clock.after(500, tick);
    };
    internet.clock.after(500, tick);
  }

  stop(): void {
    this.#isUp = false;
    this.#members = new Map();
    this.#wanted = new Map();
    this.#leases = new Map();
    for (const { events } of this.#joins.values()) this.#internet.clock.after(10, () => events.onDown());
  }

  start(): void {
    this.#isUp = true;
    for (const { join } of this.#joins.values()) this.#internet.clock.after(this.#internet.clock.random() * 200, join);
  }

  /** The node is gone, and the scheduler noticed. */
  lose(peerId: string): void {
    const member = this.#members.get(peerId);
    if (member === undefined) return;
    this.#members.delete(peerId);
    this.#joins.delete(peerId);
    for (const piece of member.leases.keys()) this.#leases.delete(piece);
    for (const wanted of this.#wanted.values()) wanted.members.delete(member);
    for (const other of member.neighbours) {
      other.neighbours.delete(member);
      this.#tell(other, events => events.onParents([], [peerId]));
    }
    this.#askGrant();
  }

  forNode(peerId: string): Schedulers {
    return {
      join: (task, events) => {
        let member: Member | undefined;
        const join = () =>
          this.#say(peerId, () => {
            member = this.#join(peerId, task, events);
          });
        this.#joins.set(peerId, { join, events });
        if (this.#isUp) join();
        else this.#internet.clock.after(10, () => events.onDown());
        return this.#taskOf(peerId, () =>
          member !== undefined && this.#members.get(peerId) === member ? member : undefined,
        );
      },
    };
  }

  #taskOf(peerId: string, memberOf: () => Member | undefined): ScheduledTask {
    const withMember = (run: (member: Member) => void) =>
      this.#say(peerId, () => {
        const member = memberOf();
        if (member !== undefined) run(member);
      });
    return {
      want: (pieces, { lane, late }) => withMember(member => this.#want(member, pieces, { lane, late })),
      gained: pieces => withMember(member => this.#gained(member, pieces)),
      lost: pieces =>
        withMember(member => {
          for (const piece of pieces) member.pieces.delete(piece);
        }),
      leaseFailed: (pieces, reason, retryAfterMs) =>
        withMember(member => {
          if (reason === 'unauthorized') member.isBarred = true;
          if (reason === 'busy') this.#holdUntil = this.#internet.clock.monotonic() + (retryAfterMs ?? 1000);
          for (const piece of pieces) {
            member.leases.delete(piece);
            if (this.#leases.get(piece)?.member === member) this.#leases.delete(piece);
          }
          this.#askGrant();
        }),
      accuse: (accused, _piece, what) => withMember(() => this.#accused({ by: peerId, peerId: accused, what })),
      served: () => {},
      leave: () => withMember(member => this.lose(member.peerId)),
    };
  }

  #join(peerId: string, task: JoinedTask, events: ScheduledEvents): Member {
    const all = [...this.#members.values()];
    const member: Member = {
      peerId,
      events,
      task,
      pieces: PieceSet.fromBytes(task.pieceCount, task.pieces.toBytes()),
      neighbours: new Set(),
      leases: new Map(),
      granted: Math.round(all.reduce((sum, other) => sum + other.granted, 0) / Math.max(1, all.length)),
      isBarred: !task.reachesOrigin,
      wantedAt: new Map(),
      queue: 0,
    };
    const { neighbours } = this.#settings;
    const others = all.filter(other => other.peerId !== peerId && other.neighbours.size < neighbours);
    // With many members, half of the places are left to those who come later.
    const most = others.length < neighbours ? others.length : Math.ceil(neighbours / 2);
    others.sort((a, b) => a.neighbours.size - b.neighbours.size || this.#internet.clock.random() - 0.5);
    this.#members.set(peerId, member);
    this.#tell(member, one => one.onUp());
    for (const other of others.slice(0, most)) this.#introduce(member, other);
    return member;
  }

  #introduce(a: Member, b: Member): void {
    for (const [to, about] of [
      [a, b],
      [b, a],
    ] as const) {
      to.neighbours.add(about);
      const pieces = PieceSet.fromBytes(about.task.pieceCount, about.pieces.toBytes());
      const parent = { peerId: about.peerId, addresses: [], pieces, chunks: new PieceSet(pieces.count), distance: 0 };
      this.#tell(to, events => events.onParents([parent], []));
    }
  }

  #want(member: Member, pieces: readonly number[], how: { readonly lane: Lane; readonly late: boolean }): void {
    member.wantedAt.set(how.lane, this.#internet.clock.monotonic());
    for (const piece of pieces) {
      const wanted = this.#wanted.get(piece) ?? { members: new Map(), order: this.#wanted.size, lane: how.lane };
      if (LANES.indexOf(how.lane) < LANES.indexOf(wanted.lane)) wanted.lane = how.lane;
      wanted.members.set(member, how.lane);
      this.#wanted.set(piece, wanted);
      const lease = this.#leases.get(piece);
      if (lease !== undefined && member !== lease.member && member.neighbours.has(lease.member)) {
        this.#tell(member, events => events.onLessee(lease.member.peerId, [piece]));
      }
      if (!how.late) continue;
      const holder = [...this.#members.values()].find(other => other.pieces.has(piece));
      if (holder !== undefined && !member.neighbours.has(holder)) this.#introduce(member, holder);
    }
    this.#askGrant();
  }

  #gained(member: Member, pieces: readonly number[]): void {
    member.queue = this.#internet.nodes.get(member.peerId)?.queueLength() ?? 0;
    for (const piece of pieces) {
      member.pieces.add(piece);
      member.leases.delete(piece);
      this.#wanted.delete(piece);
      if (this.#leases.get(piece)?.member === member) this.#leases.delete(piece);
    }
    this.#askGrant();
  }

  #accused(accusation: Accusation): void {
    this.accusations.push(accusation);
    const all = this.accusations.filter(one => one.peerId === accusation.peerId);
    const sum = all.reduce((weight, one) => weight + (one.what === 'wrong-bytes' ? 1 : 0.25), 0);
    const accusers = new Set(all.map(one => one.by)).size;
    if (sum < 1 || accusers < Math.min(3, this.#members.size - 1) || !this.#members.has(accusation.peerId)) return;
    this.lose(accusation.peerId);
    this.banned.add(accusation.peerId);
    for (const member of this.#members.values()) {
      this.#tell(member, events => events.onBan(accusation.peerId, 600_000, accusation.what));
    }
  }

  #askGrant(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#internet.clock.after(0, () => {
      this.#isAsked = false;
      this.#grant();
    });
  }

  #grant(): void {
    const now = this.#internet.clock.monotonic();
    for (const [piece, lease] of this.#leases) {
      if (lease.until > now) continue;
      lease.member.leases.delete(piece);
      this.#leases.delete(piece);
    }
    if (now < this.#holdUntil) return;
    const granted = new Map<Member, number[]>();
    for (const [piece, wanted] of this.#inOrder()) {
      if (this.#leases.size >= this.#settings.leases(this.#members.size, wanted.lane)) break;
      if (this.#leases.has(piece)) continue;
      const member = this.#lesseeFor(wanted);
      if (member === undefined) continue;
      const until = now + this.#settings.leaseMs;
      this.#leases.set(piece, { member, until });
      member.leases.set(piece, until);
      member.granted++;
      granted.set(member, [...(granted.get(member) ?? []), piece]);
    }
    for (const [member, pieces] of granted) {
      this.#tell(member, events => events.onLease(pieces, this.#settings.leaseMs));
      for (const other of member.neighbours) this.#tell(other, events => events.onLessee(member.peerId, pieces));
    }
  }

  #inOrder(): [number, Wanted][] {
    const rank = (wanted: Wanted) => LANES.indexOf(wanted.lane) * 1e9 + wanted.order;
    return [...this.#wanted].sort(([, a], [, b]) => rank(a) - rank(b));
  }

  #lesseeFor(wanted: Wanted): Member | undefined {
    let best: Member | undefined;
    // Not only among those who want just this piece: a node that is ahead of the others would get every lease, and become
    // their only source. Whoever wants pieces of this lane will want this one, too.
    const members = this.#wanting(wanted.lane);
    for (const member of members) {
      if (member.isBarred || member.leases.size >= this.#settings.leasesOfOne) continue;
      const less = best === undefined ? -1 : this.#backlog(member) - this.#backlog(best);
      if (less < 0 || (less === 0 && member.granted < (best?.granted ?? 0))) best = member;
    }
    return best;
  }

  /** Copies that it still has to send, as far as known: who has fewest gets the next lease. */
  #backlog(member: Member): number {
    return member.queue + member.leases.size * (this.#members.size - 1);
  }

  #wanting(lane: Lane): Iterable<Member> {
    const since = this.#internet.clock.monotonic() - RECENTLY_MS;
    return [...this.#members.values()].filter(
      member => !member.pieces.isFull && (member.wantedAt.get(lane) ?? Number.NEGATIVE_INFINITY) >= since,
    );
  }

  #say(peerId: string, run: () => void): void {
    this.#internet.message(peerId, () => {
      if (this.#isUp) run();
    });
  }

  #tell(member: Member, run: (events: ScheduledEvents) => void): void {
    this.#internet.clock.after(this.#internet.settings.latencyMs, () => {
      if (this.#members.get(member.peerId) === member) run(member.events);
    });
  }
}
