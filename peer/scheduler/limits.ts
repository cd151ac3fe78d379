// Every number by which a node deals with its schedulers, with its reason.

export interface SchedulerLinkLimits {
  /** At the start of the daemon tasks wait for so long for the scheduler they belong to, if others were quicker. */
  readonly startMs: number;
  /** For connecting and opening the stream. A scheduler that is there takes milliseconds. */
  readonly dialMs: number;
  /** From Hello to Welcome. */
  readonly welcomeMs: number;
  /** Heard nothing for so long: asked whether it is there. Longer where reports are far apart (a large cluster). */
  readonly quietMs: number;
  /** The same while this node waits for an answer: as long as a demanded piece waits before it is wanted again. */
  readonly waitingQuietMs: number;
  /** Asked, and nothing came: it counts as down. */
  readonly pongMs: number;
  /**
   * The first attempt after a loss comes within this time, at random: a thousand nodes at a scheduler that restarts are a
   * thousand handshakes a second, which it can do. Doubles up to the longest.
   */
  readonly retryMs: number;
  readonly longestRetryMs: number;
  /** Up for so long, a link counts as good again: attempts start from the shortest. */
  readonly steadyMs: number;
  /** A scheduler that was away gets its tasks back when it has been up for so long: not at each flap. */
  readonly settleMs: number;
  /** A task that a scheduler refuses is offered to it again after so long. */
  readonly refusedMs: number;
  /** Changed pieces of a task that wait for the next report; more are reported at once. */
  readonly unreported: number;
  /** Sent and not taken by the network: more, and the scheduler counts as down. */
  readonly unsentBytes: number;
}

export const SCHEDULER_LINK_LIMITS: SchedulerLinkLimits = {
  startMs: 1_000,
  dialMs: 5_000,
  welcomeMs: 5_000,
  quietMs: 10_000,
  waitingQuietMs: 2_000,
  pongMs: 3_000,
  retryMs: 1_000,
  longestRetryMs: 30_000,
  steadyMs: 30_000,
  settleMs: 3_000,
  refusedMs: 30_000,
  unreported: 65_536,
  unsentBytes: 16 << 20,
};

/** Quiet for so many report intervals is not yet strange. */
const QUIET_INTERVALS = 4;

export function quietMs(limits: SchedulerLinkLimits, reportIntervalMs: number, waits: boolean): number {
  return waits ? limits.waitingQuietMs : Math.max(limits.quietMs, QUIET_INTERVALS * reportIntervalMs);
}

/** ms until the next attempt, `attempt` counted from 0; `random` in [0, 1). All of the time is left to chance. */
export function retryDelayMs(
  limits: Pick<SchedulerLinkLimits, 'retryMs' | 'longestRetryMs'>,
  attempt: number,
  random: number,
): number {
  return random * Math.min(limits.longestRetryMs, limits.retryMs * 2 ** Math.min(attempt, 30));
}
