// What comes with which Linux. Pure.

/** Kernels from which on something works (design: protocol 7.31; file-backed EROFS; FUSE_NOTIFY_RESEND). */
export const FUSE_KERNEL = [5, 4] as const;
export const RESEND_KERNEL = [6, 9] as const;
export const EROFS_FILE_KERNEL = [6, 12] as const;

export function atLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, foundMajor = '0', foundMinor = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
}
