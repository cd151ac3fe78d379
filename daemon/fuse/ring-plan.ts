// Whether the requests of a mount can come through io_uring here, and which thread gets which processor's. The kernel
// wants a queue for each processor that there could ever be; only with a thread on each processor is it faster than
// /dev/fuse (a request then never waits for another processor), so there must be that many, and one for /dev/fuse, where
// interrupts and forgets still come.

import { readFileSync } from 'node:fs';

const ENABLED = '/sys/module/fuse/parameters/enable_uring';
const POSSIBLE = '/sys/devices/system/cpu/possible';
const ONLINE = '/sys/devices/system/cpu/online';

export interface RingShare {
  /** The processor of the thread. */
  readonly cpu: number;
  /** The kernel's queues that it serves: its processor's, and one of them those of processors that are off. */
  readonly queues: readonly number[];
}

/** A share for each thread but the one that reads /dev/fuse, or why there is none. */
export type RingPlan = { readonly shares: readonly RingShare[] } | { readonly problem: string };

/** What this machine says of itself; undefined: nothing. */
export interface RingFacts {
  /** The kernel's parameter. Undefined: it has no FUSE over io_uring. */
  readonly enabled: string | undefined;
  /** Lists like `0-3,8`. */
  readonly possible: string | undefined;
  readonly online: string | undefined;
}

export function ringFacts(): RingFacts {
  return { enabled: text(ENABLED), possible: text(POSSIBLE), online: text(ONLINE) };
}

export function planRings({ enabled, possible, online }: RingFacts, workers: number): RingPlan {
  if (enabled === undefined) return { problem: 'the kernel has no FUSE over io_uring (Linux 6.14 and newer have it)' };
  if (enabled.trim() !== 'Y') return { problem: "fuse's parameter enable_uring is off" };
  const all = parseCpus(possible);
  const running = parseCpus(online);
  if (all.length === 0 || running.length === 0) return { problem: 'the processors are not known' };
  if (running.length + 1 > workers) {
    return { problem: `${running.length} processors need serve-workers ${running.length + 1}, it is ${workers}` };
  }
  // The kernel has as many queues as there can be processors, and numbers them like these.
  const idle = Array.from(all, (_, queue) => queue).filter(queue => !running.includes(queue));
  return { shares: running.map((cpu, i) => ({ cpu, queues: i === 0 ? [cpu, ...idle] : [cpu] })) };
}

/** `0-3,8` as numbers; none when it is something else. */
function parseCpus(list: string | undefined): number[] {
  return (list ?? '')
    .trim()
    .split(',')
    .flatMap(range => {
      const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range) ?? [];
      if (first === undefined) return [];
      const length = Number(last) - Number(first) + 1;
      return Array.from({ length: Math.max(length, 0) }, (_, i) => Number(first) + i);
    });
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
