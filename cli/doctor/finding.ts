// What a probe says: one line that tells whether something works, what was found, and what to do when it does not.

import type { Facts } from './facts.ts';

/** `fail`: something of Shoal does not work; `warn`: it works less well, or not for everybody; `note`: good to know. */
export type Verdict = 'ok' | 'note' | 'warn' | 'fail';

export const AREAS = ['kernel', 'rights', 'drivers', 'cache', 'limits', 'settings', 'daemon'] as const;

export interface Finding {
  readonly area: (typeof AREAS)[number];
  readonly name: string;
  readonly verdict: Verdict;
  /** What there is, and why that is good or bad. */
  readonly found: string;
  /** What to do about it; present with `warn` and `fail`. */
  readonly todo?: string;
  /** More lines: what does not work even so. */
  readonly limits?: readonly string[];
}

/** One question about the machine. */
export type Probe = (facts: Facts) => Finding;
