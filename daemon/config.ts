// The daemon's numbers, each with its reason. They arrive everywhere as arguments; nothing else in this folder holds
// a limit of its own, except sizes that a protocol or a file format fixes.

const KIB = 1024;
const MIB = 1024 * KIB;

/** How one source is asked. */
export interface SourceLimits {
  /**
   * Most compressed bytes of one request. At 100 Mbit/s 4 MiB take a third of a second: long enough that the round
   * trip no longer counts, short enough that a demand read never waits long for a slot. Doubling it doubles that wait.
   */
  readonly maxRangeBytes: number;
  /**
   * Bytes between two wanted chunks (stored already, or on their way) that are fetched again rather than paying for a
   * second request: 32 KiB are 2.6 ms at 100 Mbit/s, less than any round trip to a registry.
   */
  readonly maxGapBytes: number;
  /**
   * A demand request smaller than this takes missing chunks behind it along. 256 KiB are the bytes that a link of
   * 100 Mbit/s carries in a 20 ms round trip: up to there the neighbours cost at most the wait that is paid anyway,
   * beyond it the reader would wait for bytes nobody asked for.
   */
  readonly amplifyBytes: number;
  /**
   * Requests under way at one source. Sixteen 1 MiB chunks in flight fill 1 Gbit/s at 100 ms round trip; many more
   * look like an attack to a registry (its limiters count connections).
   */
  readonly requestsPerSource: number;
  /** Of these, how many may serve readers that wait, a trace, the background: demand always finds a free slot. */
  readonly requestsPerLane: { readonly demand: number; readonly trace: number; readonly background: number };
  /** An attempt that brings no chunk for this long is given up. 1 MiB in 30 s is 280 kbit/s, slower than any node. */
  readonly stallTimeoutMs: number;
  /**
   * The source waits for others, and says itself when there is nobody left to wait for: an attempt that stalls says
   * nothing about it, and only in the demand lane is one given up. It orders what it is asked for by lane, so what is
   * wanted more urgently than before is asked for again.
   */
  readonly waitsForOthers: boolean;
  /**
   * The background waits here until no reader of this node has waited for so long: what fills the link meanwhile is what
   * the next demand would wait behind. Programs from images, over 100 Mbit/s (bench/cold-start.ts), were ready after 1.9 to
   * 2.6 times as long with 0, 1.0 to 1.4 with 50 ms, 1.0 with 250 ms. Two nodes that start from a third (`npm start`, one run each) are ready after 7.8 s
   * with 0, after 4.0 s with 250 ms, and have the whole image as soon. 0: it does not wait.
   */
  readonly quietMs: number;
}

/** How chunks are fetched: from registries and mirrors as it says itself, from peers as `peers` says. */
export interface FetchLimits extends SourceLimits {
  readonly peers: SourceLimits;
  /**
   * Payload bytes of the whole daemon that arrived and are not stored yet. Sources are not read from beyond it, so
   * memory stays bounded when the disk is slower than the network. Must hold a few of the largest chunks (16 MiB).
   */
  readonly maxUnstoredBytes: number;
  /** So many failures of a source in a row, and only one probe at a time is sent to it until one succeeds. */
  readonly failuresToShut: number;
  /** Waits after failures that time heals: an unreachable or overloaded source. */
  readonly transientBackoff: BackoffPolicy;
  /** Waits after failures that somebody must heal: refused credentials, a blob that is gone, wrong bytes, full disk. */
  readonly persistentBackoff: BackoffPolicy;
  /** A server's Retry-After is obeyed up to this long; a wrong one must not stop a node for a day. */
  readonly maxRetryAfterMs: number;
}

export interface BackoffPolicy {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

export const defaultFetchLimits: FetchLimits = {
  maxRangeBytes: 4 * MIB,
  maxGapBytes: 32 * KIB,
  amplifyBytes: 256 * KIB,
  requestsPerSource: 16,
  requestsPerLane: { demand: 16, trace: 12, background: 8 },
  stallTimeoutMs: 30_000,
  waitsForOthers: false,
  quietMs: 250,
  // The swarm's pieces are small, and it bounds what is under way by itself (docs/protocol.md: 8 MiB). It should know of
  // all that is wanted, in order to ask for it in the best order; nothing else is brought along.
  peers: {
    maxRangeBytes: 4 * MIB,
    maxGapBytes: 4 * MIB,
    amplifyBytes: 0,
    requestsPerSource: 256,
    requestsPerLane: { demand: 256, trace: 128, background: 64 },
    // When nothing of a blob comes for 30 s the swarm says so by itself. This is for a chunk that is stuck while others come,
    // and as long as the longest lease: with 30 s, what a reader asked for at once over links of 2.5 Mbit/s, 8 MiB, came from
    // the origin again towards its end (2.2 times in all).
    stallTimeoutMs: 60_000,
    waitsForOthers: true,
    quietMs: 250,
  },
  maxUnstoredBytes: 64 * MIB,
  failuresToShut: 3,
  // The ceiling is how long readers wait in vain once a registry is back; a probe every 5 s hurts nobody.
  transientBackoff: { firstMs: 200, factor: 2, maxMs: 5_000 },
  persistentBackoff: { firstMs: 1_000, factor: 2, maxMs: 30_000 },
  maxRetryAfterMs: 60_000,
};

/** The limits for another number of requests at a source; the lanes keep their parts of it. */
export function fetchLimits(requestsPerSource: number): FetchLimits {
  const { requestsPerSource: usual, requestsPerLane: lanes } = defaultFetchLimits;
  const part = (ofUsual: number) => Math.max(1, Math.round((requestsPerSource * ofUsual) / usual));
  return {
    ...defaultFetchLimits,
    requestsPerSource,
    requestsPerLane: { demand: part(lanes.demand), trace: part(lanes.trace), background: part(lanes.background) },
  };
}

/** How the rest of a mounted image is fetched in the background. */
export interface FillLimits {
  /**
   * Compressed bytes asked for and not there yet, of one mount: four requests. At a registry that fills 1 Gbit/s at 100 ms
   * round trip; peers can choose which of so many pieces to swap first. More is more that a reader may have to wait behind.
   */
  readonly outstandingBytes: number;
  /** One request has at most so many bytes, and so many chunks: an image may have millions of tiny ones. */
  readonly groupBytes: number;
  readonly groupChunks: number;
  /** Wrong bytes are not fetched for ever when nobody waits for them. */
  readonly tries: number;
  /** It waits while less of the disk than this part is free: the cache has no quota yet, and others need room as well. */
  readonly minFreePart: number;
  readonly roomPollMs: number;
}

export const defaultFillLimits: FillLimits = {
  outstandingBytes: 16 * MIB,
  groupBytes: 4 * MIB,
  groupChunks: 1_024,
  tries: 3,
  minFreePart: 0.1,
  roomPollMs: 60_000,
};

/** How the cache is kept. */
export interface StoreLimits {
  /** Threads that unpack, verify and write chunks. Two keep 1 Gbit/s of zstd flowing (600 MB/s each, measured). */
  readonly workers: number;
  /** Wait before new chunks are noted in the map file: one small write for a burst; a crash forgets at most this. */
  readonly mapFlushMs: number;
  /** Wait before new chunks are made durable: the cost of a power cut is refetching what came in the last seconds. */
  readonly syncMs: number;
  /** A worker that dies more often than this within the daemon's life has a bug; then puts fail instead. */
  readonly maxWorkerRestarts: number;
}

export const defaultStoreLimits: StoreLimits = { workers: 2, mapFlushMs: 100, syncMs: 5_000, maxWorkerRestarts: 100 };

/** How one mount is served. */
export interface ServeLimits {
  /**
   * Threads that answer the kernel, 16 MB each. It hands requests to the one that has slept longest: with two, a lone
   * reader on a quiet machine waits for a sleeping processor more often than with three (docs/benchmarks.md); with more,
   * many readers get slower again. FUSE over io_uring wants one for each processor and one more.
   */
  readonly workers: number;
  /**
   * The first of them serves alone for so long: loading one takes 50 ms of a processor, which a start has better use for.
   */
  readonly othersAfterMs: number;
  /**
   * Background requests the kernel may have open before it stops sending any, hits included: every miss that waits for
   * a dead registry holds one (design §6 rule 5 wants at least 4096). The kernel spends about 300 bytes on each.
   */
  readonly maxBackground: number;
  /**
   * The same for the fuse-native driver, where each request that waits also holds a thread of libfuse (18 KB resident,
   * measured with 63). The kernel may allow users without root less (fuse's parameter max_user_bgreq).
   */
  readonly nativeMaxBackground: number;
  /**
   * How far the kernel reads ahead in a file that is read in order, and around a page of a mapped one. From 128 KiB, the
   * kernel's own value, to 512 KiB sequential reading gets 1.6 x as fast, to 1 MiB hardly more (bench/fs.ts). A lazy
   * start fetches no more with it; with 1 MiB, around pages near a chunk's edge, Node's fetched a tenth more.
   */
  readonly readaheadBytes: number;
  /**
   * The same for a file of an image by erofs, whose reads go to a device. From 128 KiB, the kernel's own value, to this a large
   * file is read 1.25 x as fast, and a lazy start needs the same bytes; with 512 KiB 1.5 x, but 3 % more (docs/decisions/0005).
   */
  readonly erofsReadaheadBytes: number;
  /** A worker that dies is replaced so often; after that the mount is aborted, because nobody would answer. */
  readonly maxWorkerRestarts: number;
  /** How often the requester of an interrupted read is looked at: it is being killed, and a human may be waiting. */
  readonly killPollMs: number;
  /** Reads that wait longer than this are reported (design §6 rule 10), and again after each repetition. */
  readonly slowReadMs: number;
  readonly slowReadRepeatMs: number;
  /** Interrupts that arrived before the read they are for, kept so many; both cross between threads in any order. */
  readonly rememberedInterrupts: number;
}

export const defaultServeLimits: ServeLimits = {
  workers: 3,
  othersAfterMs: 1_000,
  maxBackground: 16_384,
  nativeMaxBackground: 4_096,
  readaheadBytes: 512 * KIB,
  erofsReadaheadBytes: 256 * KIB,
  maxWorkerRestarts: 8,
  killPollMs: 50,
  slowReadMs: 10_000,
  slowReadRepeatMs: 60_000,
  rememberedInterrupts: 4_096,
};

/** How long the daemon waits for things that never take so long. */
export interface DaemonLimits {
  /** The helper that mounts and unmounts: starts in 0.1 s; a loaded machine may take a hundred times as long. */
  readonly helperMs: number;
  /** From mount(2) until the kernel's first request (INIT) is answered. */
  readonly initMs: number;
  /** The self-test of erofs: half a second of work, on a machine that may be busy. */
  readonly selfTestMs: number;
  /** How long a mount that may be made by another driver waits for it: the daemon began with it when it started. */
  readonly selfTestWaitMs: number;
  /** After unmount: until the workers have seen the end of the connection; longer means somebody still uses it. */
  readonly lingerMs: number;
  /** `stop` altogether; systemd kills after 90 s, containers after 10 s or 30 s. */
  readonly stopMs: number;
  /** A daemon that ends when idle waits this long for its first request; it may have been started beside another one. */
  readonly firstRequestMs: number;
  /** How long the lock of a dying daemon is waited for. */
  readonly lockMs: number;
  /**
   * Of that, before its mounts are ended, because a thread of it may wait for one of them. A process that was killed takes
   * tens of milliseconds to end, with gigabytes of memory a second; its readers can wait, and must not get errors.
   */
  readonly dyingMs: number;
  /** One question to the holder, which answers in a millisecond, and its start. */
  readonly holderMs: number;
}

export const defaultDaemonLimits: DaemonLimits = {
  helperMs: 30_000,
  initMs: 10_000,
  selfTestMs: 15_000,
  selfTestWaitMs: 5_000,
  lingerMs: 2_000,
  stopMs: 20_000,
  firstRequestMs: 15_000,
  lockMs: 5_000,
  dyingMs: 2_500,
  holderMs: 10_000,
};
