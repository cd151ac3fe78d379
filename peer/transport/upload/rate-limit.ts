// A token bucket for bytes per second: what is sent is paid at once, and who overdraws waits until that is earned. Pure:
// time is an argument (monotonic ms).

export interface BucketState {
  /** Bytes that may go now; below zero: owed. */
  readonly tokens: number;
  readonly atMs: number;
}

/** Bytes that may go at once after a pause: what a quarter of a second earns, at least one piece. */
const BURST_MS = 250;
const MIN_BURST_BYTES = 65_536;

export function fullBucket(bytesPerSecond: number, nowMs: number): BucketState {
  return { tokens: burst(bytesPerSecond), atMs: nowMs };
}

/** Pays for `bytes`, which may go after `waitMs`. */
export function pay(
  state: BucketState,
  bytes: number,
  bytesPerSecond: number,
  nowMs: number,
): { readonly state: BucketState; readonly waitMs: number } {
  const earned = (Math.max(0, nowMs - state.atMs) * bytesPerSecond) / 1000;
  const had = Math.min(burst(bytesPerSecond), state.tokens + earned);
  const tokens = had - bytes;
  return { state: { tokens, atMs: nowMs }, waitMs: tokens >= 0 ? 0 : (-tokens * 1000) / bytesPerSecond };
}

function burst(bytesPerSecond: number): number {
  return Math.max(MIN_BURST_BYTES, (bytesPerSecond * BURST_MS) / 1000);
}
