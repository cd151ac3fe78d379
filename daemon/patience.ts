// Waiting for what normally is a matter of milliseconds.

import type { Clock } from '../core/index.ts';

/** Resolves with the work, or after `ms`: then `late` is told, and the work goes on. Never rejects because of the time. */
export async function withPatience(clock: Clock, ms: number, work: Promise<void>, late: () => void): Promise<void> {
  const done = new AbortController();
  const patience = clock.sleep(ms, { signal: done.signal }).then(late, () => {}); // done in time
  await Promise.race([work, patience]);
  done.abort();
}
