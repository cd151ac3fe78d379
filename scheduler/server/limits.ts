// Every number of the process around the core, with its reason. What the core refuses is in core/config.ts.

export interface ServerLimits {
  /** Streams, greeted or not. A node has one. */
  readonly streams: number;
  /** From the opening of a stream to the Hello. */
  readonly helloMs: number;
  /** A node that said nothing for so long is asked whether it is there. It asks by itself before, when all is well. */
  readonly quietMs: number;
  /** Asked, and nothing came: it is gone. */
  readonly pongMs: number;
  /** Sent to one node and not taken by the network: more, and it is dropped. Three of the largest messages fit. */
  readonly unsentBytes: number;
  /** The same of all nodes; above it those that read nothing are dropped, the worst first. */
  readonly allUnsentBytes: number;
  /** A node whose connection took nothing for so long is dropped. */
  readonly stuckMs: number;
  /** Ticks of the core: leases expire, wants are looked at again. */
  readonly tickMs: number;
  /** For so long messages go out before what comes in has its turn. A message more may take a fraction of a millisecond. */
  readonly sendSliceMs: number;
  /** How often each node is looked at for silence. */
  readonly watchMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  streams: 20_000,
  helloMs: 5_000,
  quietMs: 15_000,
  pongMs: 5_000,
  unsentBytes: 16 << 20,
  allUnsentBytes: 512 << 20,
  stuckMs: 10_000,
  tickMs: 100,
  sendSliceMs: 3,
  watchMs: 1_000,
};

/** A node asks by itself after four of its report intervals; until then the scheduler need not. */
const QUIET_INTERVALS = 6;

export function quietMs(limits: ServerLimits, reportIntervalMs: number): number {
  return Math.max(limits.quietMs, QUIET_INTERVALS * reportIntervalMs);
}
