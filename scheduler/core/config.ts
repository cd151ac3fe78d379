// Every number the scheduler's core decides by, with its reason. docs/limits.md lists those that refuse something.

/** What is refused because it is too much. Each is checked before anything is allocated. */
export interface SchedulerLimits {
  /** Connected nodes. Piece counts of holders and positions of members are kept in 16 bits, so below 65 536. */
  readonly nodes: number;
  readonly tasks: number;
  readonly tasksPerNode: number;
  /** Bytes of all tasks and members, as task.ts reckons them: bitmaps, and what each costs besides. */
  readonly stateBytes: number;
  /** Pieces that one member may want at a time: 1 GiB. More would be a blob, not a want. */
  readonly wantsPerMember: number;
  /** Pieces and chunks that one report may name: what a node gains in seconds at 10 Gbit/s. */
  readonly reportPieces: number;
  /** Parents that one report may tell about. */
  readonly reportParents: number;
  readonly addresses: number;
  /** Characters of an address, of a name, of a label. */
  readonly addressLength: number;
  readonly nameLength: number;
}

export const SCHEDULER_LIMITS: SchedulerLimits = {
  nodes: 20_000,
  tasks: 65_536,
  tasksPerNode: 1024,
  stateBytes: 2 ** 31,
  wantsPerMember: 16_384,
  reportPieces: 65_536,
  reportParents: 4096,
  addresses: 16,
  addressLength: 256,
  nameLength: 256,
};

// ---- the neighbour graph ----------------------------------------------------------------------------------------------

/** Neighbours of a member: as many bitmaps as a node keeps (docs/protocol.md). Up to one more member, all know all. */
export const MAX_NEIGHBOURS = 32;
/**
 * Neighbours that a member is given where not all can know all. Half of the most: the other half is free for those who
 * come later and for members that need somebody who is far away.
 */
export const AIM_NEIGHBOURS = 16;
/** Of these so many at random, so that the graph hangs together whatever the labels say. */
export const FAR_NEIGHBOURS = 4;
/** Below so many, after others left, a member is given new ones. */
export const FEW_NEIGHBOURS = 8;
/** Members that are looked at to choose neighbours from, of each of rack, zone, region, and at random. */
export const CANDIDATES = 16;
/** A member that begins to want is given so many neighbours that want too: pieces travel along them. */
export const WANTING_NEIGHBOURS = 8;
/** Neighbours that a member may have swapped for others in a second; so nobody can stir the graph. */
export const SWAPS_PER_SECOND = 32;

// ---- leases -----------------------------------------------------------------------------------------------------------

/**
 * Leases of a task under way. 8 keep a link of 20 Mbit/s full on machines that are late now and then (4 left 10 % of it
 * unused there, bench/swarm.ts); 64 are 4 MiB, enough for 1 Gbit/s and 30 ms.
 */
export const MIN_LEASES = 8;
/**
 * The same for what a crowd waits for: pieces that share the origin's link with fewer others are whole, and passed on, sooner.
 * In a flash crowd of 8 nodes at 2.5 Mbit/s the first MiB is everywhere after 2.2 times its bytes over the rate, and after 2.7
 * times where leases grow to 8 to 24 (docs/benchmarks.md, "Few leases at a time").
 */
export const MIN_LEASES_DEMANDED = 3;
/** Before anything was measured: in a flash crowd the wants of others come milliseconds after the first. */
export const FIRST_LEASES = 4;
/**
 * The same for one who waits for much and is alone until then. Of nodes that start together the others may ask a fifth of a
 * second later: whoever was first is the only source of what it was leased, and has seven copies of each to send.
 */
export const FIRST_LEASES_ALONE = 2;
export const MAX_LEASES = 64;
/** The same for a member that is alone: nobody waits to swap, so runs may grow to 16 MiB. */
export const MAX_LEASES_ALONE = 256;
/** The longest way to an origin, there and back, that more leases are to fill for what a crowd waits for. */
export const FAR_MS = 100;
/** What was measured of the origin is believed for so long. */
export const PACE_WINDOW_MS = 10_000;
/** Bounds of a lease's deadline, and what it is before anything was measured. */
export const MIN_DEADLINE_MS = 5_000;
export const MAX_DEADLINE_MS = 60_000;
export const FIRST_DEADLINE_MS = 10_000;
/** Up to so many wanting members all are looked at for a lease; of more, a sample of so many. */
export const LESSEE_SAMPLE = 64;
/**
 * Failures (accusations by others, leases that expired; half forgotten after a minute) from which on a node is given leases
 * only when nobody else can have them. One may be anybody's mishap, or anybody's lie.
 */
export const SHAKY_FAILURES = 1.5;
/**
 * What somebody waits for is passed on to those who will need it along a tree, by each to so many: two keep it shallow, and
 * whoever is at its top sends little more than it gets.
 */
export const PASSES_ON = 2;
/**
 * Where no more than so many are members, each passes on to one, in the same order from piece to piece: no uplink is given two
 * copies at once, and whoever has just sent a piece gets the next. Along trees, of other nodes for each piece, eight nodes at
 * 2.5 Mbit/s ended two seconds after the one ahead (docs/benchmarks.md, "A chain").
 */
export const CHAIN_MEMBERS = 9;
/** What so many have is not passed on along a tree any more: whoever needs it chooses whom to ask. */
export const SPREAD_AT = 16;
/** Who wants no more than this reads here and there: a chunk or two, of a MiB each, and compressed. */
export const LITTLE_WANTED = 12;
/** One with so many pieces to send does not keep up: others fetch what only it waits for. */
export const BUSY_QUEUE = 24;
/**
 * And one that serves at less than this part of its neighbours' rate is not to be what they all depend on: if it has also
 * sent less than they have, or has so many pieces to send now. Who sends to all looks slow to each.
 */
export const SLOW_FACTOR = 4;
export const SLOW_QUEUE = 8;
/** Pieces that are put aside in one go because nobody may fetch them now. More would be looked at in vain. */
export const MAX_PUT_ASIDE = 4;

/** A second lease for a piece that is late: after so long, or three times what a lease usually takes, once per interval. */
export const LATE_AFTER_MS = 2_000;
export const LATE_FACTOR = 3;
/** Second leases of a task: so many, and so large a share of all leases. With hand-overs below 5 % (docs/protocol.md). */
export const LATE_FREE = 2;
export const LATE_SHARE = 0.03;
/** The same where all who have the piece failed others lately: as much as one of four nodes could have to itself. */
export const LATE_SHARE_OF_SHAKY = 0.25;
/** And one more in so long a time, so that a piece that only a liar says it has is had in the end. */
export const LATE_TRICKLE_MS = 30_000;

/**
 * So old is a task before a holder's word alone is not enough: after a restart nobody has shown anything yet, and how peers
 * serve is told every 2 s.
 */
export const PROVING_MS = 5_000;

/** A member whose lease failed gets none for so long, doubled with each failure in a row. */
export const REST_MS = 1_000;
export const MAX_REST_MS = 60_000;
/** After a lease that was not done at its deadline. */
export const EXPIRED_REST_MS = 2_000;
/** The origin does not have it: asked again after so long. */
export const NOT_FOUND_REST_MS = 60_000;
/** The origin wants rest: without a time, and at most. One member's word stops a task for no longer than this. */
export const HOLD_MS = 1_000;
export const MAX_HOLD_MS = 60_000;

// ---- the scheduler's own pace -----------------------------------------------------------------------------------------

/** What is left of the work that a flush or a tick may do: it is counted, because the core has no clock. */
export interface WorkBudget {
  left: number;
}

/**
 * Units of work are about a µs of one core, with putting the messages into bytes. A flush does so much, half of it
 * deciding at most, and leaves the rest to the next, which may follow at once: between them the nodes are heard. A tick
 * comes ten times a second.
 */
export const FLUSH_WORK = 1_000;
export const TICK_WORK = 1_000;
/** A member that is given neighbours; a lease that is granted; a piece of a long want that is provided for. */
export const MEND_WORK = 40;
export const GRANT_WORK = 10;
export const PROVIDE_WORK = 8;
/** News: of each member, of each neighbour that it is told of and the bitmaps of that, of each piece it is told of. */
export const NEWS_WORK = { member: 4, parent: 2, bitmapKiB: 1, piece: 0.2 } as const;
/** A member whose wants are looked at again, and bytes of its and its neighbours' bitmaps to a unit. */
export const RECONCILE_WORK = 2;
export const RECONCILE_BYTES = 1_500;
/** A task whose leases' deadlines are looked at, and each of them. */
export const EXPIRE_WORK = { task: 1, lease: 0.1 } as const;
/** One task gives neighbours to so many, or leases, and a long want goes on by so many, before the next has its turn. */
export const MENDS_IN_TURN = 8;
export const GRANTS_IN_TURN = 16;
export const PROVIDES_IN_TURN = 16;
/** While flushes are behind, what is new waits for so long before it takes part: as long as news is collected otherwise. */
export const ROUND_MS = 5;
/** Pieces of a want that are provided for at once: 8 MiB. The others have their turn in flushes. */
export const PROVIDE_AT_ONCE = 128;
/** Of bitmaps in one message, if it has more than one parent. A message to a node may have sixteen times as much. */
export const MESSAGE_BITMAP_BYTES = 256 << 10;
/** Neighbours that one such look may bring. */
export const RECONCILE_SWAPS = 4;
/** A member's wants are looked at again after so long, at the soonest. */
export const RECONCILE_MS = 1_000;

/** How often nodes are to report: a tenth of a second would bring nothing, 5 s keep 20 000 nodes at 4000 reports/s. */
export function reportIntervalMs(nodes: number): number {
  return Math.round(Math.min(5_000, 500 + nodes / 2));
}

/** How long news is collected before a `flush`: what 8 nodes do not notice, and what lets 10 000 share messages. */
export function batchIntervalMs(nodes: number): number {
  return Math.round(Math.min(10, 2 + nodes / 500));
}
