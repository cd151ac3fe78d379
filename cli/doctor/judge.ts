// Facts to findings. Pure: every line of doctor's report is decided by the probes.

import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { machineProbes } from './machine-probes.ts';
import { shoalProbes } from './shoal-probes.ts';

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly workingDrivers: readonly string[];
}

export function judge(facts: Facts): Diagnosis {
  const findings = [...machineProbes, ...shoalProbes].map(probe => probe(facts));
  const works = ({ area, verdict }: Finding) => area === 'drivers' && verdict === 'ok';
  return { findings, workingDrivers: findings.filter(works).map(({ name }) => name) };
}
