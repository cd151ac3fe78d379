// FUSE over io_uring in tests: the kernel's parameter is turned on and put back, and tests skip where there is none.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { defaultServeLimits } from '../../daemon/config.ts';
import { planRings, type RingPlan, ringFacts } from '../../daemon/fuse/ring-plan.ts';

const PARAMETER = '/sys/module/fuse/parameters/enable_uring';

const plan = planRings(
  { ...ringFacts(), ...(existsSync(PARAMETER) ? { enabled: 'Y' } : {}) },
  defaultServeLimits.workers,
);

/** For `skip`: why requests can't come through rings here, or false. */
export const noRings: string | false =
  'problem' in plan ? plan.problem : process.getuid?.() === 0 ? false : 'only root may turn it on';

/** Turns the kernel's parameter on, or off; returns what puts it back. */
export function setRings(value: 'Y' | 'N'): () => void {
  const before = readFileSync(PARAMETER, 'latin1').trim();
  writeFileSync(PARAMETER, value);
  return () => writeFileSync(PARAMETER, before);
}

/** The plan for this machine, with the parameter on, or off, until the test ends. */
export function ringsFor(t: TestContext, value: 'Y' | 'N' = 'Y'): Exclude<RingPlan, { readonly problem: string }> {
  t.after(setRings(value));
  if ('problem' in plan) throw new Error(plan.problem);
  return plan;
}
