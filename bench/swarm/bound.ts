// How fast a fleet could be at best: nobody can finish before the origin has sent everything once, before his own link has
// brought everything, and before all uplinks together have sent everything to everybody.

/** Bytes and bytes per second. */
export interface Fleet {
  /** F: what each node must get, as it is on the wire. */
  readonly bytes: number;
  /** us: the origin's uplink. */
  readonly originUp: number;
  /** ui and di, of each node. */
  readonly nodes: readonly { readonly up: number; readonly down: number }[];
}

/** max{F/us, F/dmin, N·F/(us+Σui)}, seconds. */
export function lowerBound({ bytes, originUp, nodes }: Fleet): number {
  const slowest = Math.min(...nodes.map(({ down }) => down));
  const all = nodes.reduce((sum, { up }) => sum + up, originUp);
  return Math.max(bytes / originUp, bytes / slowest, (nodes.length * bytes) / all);
}
