// Whether mounts can outlive a daemon on this machine.

import { release } from 'node:os';

/** The kernel's first with FUSE_NOTIFY_RESEND: requests that a dead daemon had read can be asked for again. */
const RESEND_KERNEL = [6, 9] as const;

/** Why they can't, for people; undefined: they can. */
export function keepingProblem(kernel = release()): string | undefined {
  if (process.platform !== 'linux') return `not on ${process.platform}`;
  if (process.geteuid?.() !== 0) return 'only mounts of root outlive their daemon';
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const [neededMajor, neededMinor] = RESEND_KERNEL;
  if (Number(major) > neededMajor || (Number(major) === neededMajor && Number(minor) >= neededMinor)) return undefined;
  return `needs Linux ${RESEND_KERNEL.join('.')} (FUSE_NOTIFY_RESEND), this is ${kernel}`;
}
