// Capabilities as /proc/PID/status has them: a mask, by number (capability.h). Pure.

export const CAP_SYS_ADMIN = 21n;

/** A machine without capabilities (undefined) does not withhold any. */
export function hasCapability(mask: bigint | undefined, number: bigint): boolean {
  return mask === undefined || ((mask >> number) & 1n) === 1n;
}
