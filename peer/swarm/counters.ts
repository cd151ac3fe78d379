// What the swarm counts of a blob. Plain numbers; the daemon shows them.

export interface SwarmCounters {
  /** Right bytes that came from peers, and by lease from the origin. */
  peerBytes: number;
  originBytes: number;
  /** Bytes that came although they were here already: the price of hedging and moving. */
  wastedBytes: number;
  wrongPieces: number;
  hedges: number;
  /** Requests taken back from a parent because another is sooner. */
  moves: number;
  refusals: number;
  stalls: number;
  wants: number;
  lateWants: number;
  leases: number;
  leaseFailures: number;
}

export function newCounters(): SwarmCounters {
  return {
    peerBytes: 0,
    originBytes: 0,
    wastedBytes: 0,
    wrongPieces: 0,
    hedges: 0,
    moves: 0,
    refusals: 0,
    stalls: 0,
    wants: 0,
    lateWants: 0,
    leases: 0,
    leaseFailures: 0,
  };
}

/** Adds to `sum`, and returns it. */
export function addCounters(sum: SwarmCounters, more: Readonly<SwarmCounters>): SwarmCounters {
  sum.peerBytes += more.peerBytes;
  sum.originBytes += more.originBytes;
  sum.wastedBytes += more.wastedBytes;
  sum.wrongPieces += more.wrongPieces;
  sum.hedges += more.hedges;
  sum.moves += more.moves;
  sum.refusals += more.refusals;
  sum.stalls += more.stalls;
  sum.wants += more.wants;
  sum.lateWants += more.lateWants;
  sum.leases += more.leases;
  sum.leaseFailures += more.leaseFailures;
  return sum;
}
