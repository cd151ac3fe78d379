// Every number the scheduler's core decides by, with its reason. docs/limits.md lists those that refuse something.

/** What is refused because it is too much. Each is checked before anything is allocated. */
export interface SchedulerLimits {
  /** Connected nodes. Piece counts of holders and positions of members are kept in 16 bits, so below 65 536. */
  readonly nodes: number;
  readonly tasks: number;
  readonly tasksPerNode: number;
  /** Bytes of bitmaps and of what is kept for each piece, of all tasks. */
  readonly bitmapBytes: number;
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
  bitmapBytes: 2 ** 31,
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
/** Before anything was measured: in a flash crowd the wants of others come milliseconds after the first. */
export const FIRST_LEASES = 4;
export const MAX_LEASES = 64;
/** The same for a member that is alone: nobody waits to swap, so runs may grow to 16 MiB. */
export const MAX_LEASES_ALONE = 256;
/** What was measured of the origin is believed for so long. */
export const PACE_WINDOW_MS = 10_000;
/** Bounds of a lease's deadline, and what it is before anything was measured. */
export const MIN_DEADLINE_MS = 5_000;
export const MAX_DEADLINE_MS = 60_000;
export const FIRST_DEADLINE_MS = 10_000;
/** Up to so many wanting members all are looked at for a lease; of more, a sample of so many. */
export const LESSEE_SAMPLE = 64;
/** Pieces that are put aside in one go because nobody may fetch them now. More would be looked at in vain. */
export const MAX_PUT_ASIDE = 4;

/** A second lease for a piece that is late: after so long, or three times what a lease usually takes, once per interval. */
export const LATE_AFTER_MS = 2_000;
export const LATE_FACTOR = 3;
/** Second leases of a task: so many, and so large a share of all leases. With hand-overs below 5 % (docs/protocol.md). */
export const LATE_FREE = 2;
export const LATE_SHARE = 0.03;
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

/**
 * New members that one flush gives neighbours, and leases that it grants; the others wait for the next, which may follow
 * at once, so that no flush takes more than some ms.
 */
export const MEND_PER_FLUSH = 64;
export const GRANTS_PER_FLUSH = 128;
/** Members whose wants are looked at again in one tick. */
export const RECONCILE_PER_TICK = 256;
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
