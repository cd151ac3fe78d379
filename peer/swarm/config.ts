// The swarm's numbers, each with its reason. They arrive everywhere as arguments; docs/protocol.md and docs/limits.md name
// those that others can see.

const MIB = 1024 * 1024;

export interface SwarmSettings {
  /** Most parents of a blob. Each costs two bitmaps here, and as many as a scheduler names (docs/protocol.md). */
  readonly parents: number;
  /**
   * Most pieces asked of one parent that it has. 8 are 512 KiB: 40 ms at 100 Mbit/s, more than a round trip, so the parent
   * never waits for us; doubled, they are stuck twice as long when the parent turns out slow.
   */
  readonly askedOfOneParent: number;
  /** Most pieces under way from all parents, waiting ones included: the bytes that may arrive at once, 8 MiB. */
  readonly askedInAll: number;
  /** Of these, how many may be background: a demanded piece always finds room. */
  readonly askedInBackground: number;
  /** Wanted pieces looked at in one turn: bounds the time of a decision, some 20 µs, whatever the blob's size. */
  readonly lookedAt: number;
  /** Between two looks at the time: late answers, stalls. A hedge is at most so much later than it should be. */
  readonly tickMs: number;
  /**
   * A demanded piece is asked of a second parent after twice its usual time, kept within these; while that is not known,
   * after `hedgeUnknownMs`; while its parent sends something, three times as late, but not beyond the longest. 8 s: at 2.5 Mbit/s, which 8 children share, a piece that nothing is wrong with takes 2 to 4.
   */
  readonly hedgeLeastMs: number;
  readonly hedgeUnknownMs: number;
  readonly hedgeMostMs: number;
  /**
   * A demanded piece that nobody brought for so long, and not within the time of a hedge, is wanted again, as late; later
   * where a hedge would be. Of others the lease's deadline takes care.
   */
  readonly lateMs: number;
  /**
   * A parent that owes pieces it has and sends nothing for so long is stalled: they are asked of others, and it rests. What
   * is demanded is hedged before. Links of 1 Mbit/s with 8 children bring a piece every 4 s; with 2 s for demand, on links
   * of 2.5 Mbit/s, one parent after the other was let alone for nothing, and the rest had all to do (docs/benchmarks.md).
   */
  readonly stallMs: number;
  /** First rest of a parent that stalled or failed; it doubles with each time. */
  readonly restMs: number;
  readonly restMostMs: number;
  /** After `busy`, a parent is left alone for so long: about what a full queue of 4096 pieces needs to move at 1 Gbit/s. */
  readonly busyMs: number;
  /** So long a parent that is being connected to counts as having what the scheduler says. Longer than a TCP retransmit. */
  readonly connectMs: number;
  /** How long nobody is asked to vouch for a sender of wrong bytes: as the scheduler's first ban. */
  readonly avoidMs: number;
  /** Peers that are avoided, at most: the oldest are forgotten. */
  readonly avoided: number;
  /** A refusal of a piece that the parent's bitmap has: so long it may still be said to be lost. Twice the 5 ms of `Lost`. */
  readonly lieMs: number;
  /** How often parents' service is told to the scheduler. */
  readonly serviceReportMs: number;
  /** At join, so long a scheduler is waited for before the node acts by itself. A connection is there in less, or never soon. */
  readonly schedulerGraceMs: number;
  /** When a scheduler returns, background wants are said within so long, at random: not all nodes' at once. */
  readonly returnSpreadMs: number;
  /** Reads that see no piece of their blob arrive for so long are given back as `unavailable`. The longest lease has passed. */
  readonly giveUpMs: number;
  /** Without a scheduler: the next owner is asked after this, for demand, and for the rest (it may only be slow). */
  readonly ownerMs: number;
  readonly patientOwnerMs: number;
  /**
   * Without a scheduler: pieces under way by way of owners. They arrive within `ownerMs` from an origin of 10 Mbit/s; more
   * would be asked of the next owner while the first still fetches them, and so come from the origin twice.
   */
  readonly ownedUnderWay: number;
  /** Without a scheduler: first and longest pause between two searches for peers. */
  readonly searchMs: number;
  readonly searchMostMs: number;
  /** A search that found nobody after so long does not hold reads up any more. */
  readonly searchPatienceMs: number;
  /** Pieces fetched for children without a scheduler, at most at once. */
  readonly fetchedForOthers: number;
  /** Range requests to the origin at once, for leases of one blob. Four hide the round trip; more only share its link. */
  readonly originRequests: number;
  /** Pieces of one such range, 1 MiB: longer ones would be reported piece by piece just the same. */
  readonly originRangePieces: number;
  /** A range request that brings nothing for so long is given up. */
  readonly originStallMs: number;
  /** Bytes of pieces on disk, of all blobs. Unlinked files: gone with the process. */
  readonly storeBytes: number;
  /** Bytes that arrived and are not on disk yet. Beyond it pieces are not kept (reads still get them). */
  readonly unwrittenBytes: number;
  /** After a full disk, nothing is written for so long. */
  readonly fullDiskMs: number;
  /** Blobs that stay served after the last `leave`; the one left longest ago goes first. */
  readonly idleBlobs: number;
  /** And for how long. */
  readonly idleMs: number;
}

export const DEFAULT_SWARM_SETTINGS: SwarmSettings = {
  parents: 32,
  askedOfOneParent: 8,
  askedInAll: 128,
  askedInBackground: 96,
  lookedAt: 512,
  tickMs: 100,
  hedgeLeastMs: 300,
  hedgeUnknownMs: 2_000,
  hedgeMostMs: 8_000,
  lateMs: 2_000,
  stallMs: 5_000,
  restMs: 5_000,
  restMostMs: 120_000,
  busyMs: 250,
  connectMs: 3_000,
  avoidMs: 600_000,
  avoided: 1024,
  lieMs: 200,
  serviceReportMs: 2_000,
  schedulerGraceMs: 500,
  returnSpreadMs: 1_000,
  giveUpMs: 30_000,
  ownerMs: 1_000,
  patientOwnerMs: 5_000,
  ownedUnderWay: 16,
  searchMs: 5_000,
  searchMostMs: 60_000,
  searchPatienceMs: 1_000,
  fetchedForOthers: 256,
  originRequests: 4,
  originRangePieces: 16,
  originStallMs: 15_000,
  storeBytes: 4096 * MIB,
  unwrittenBytes: 32 * MIB,
  fullDiskMs: 10_000,
  idleBlobs: 64,
  idleMs: 30 * 60_000,
};
