// shoal doctor: what works on this machine, what does not, why, and what to do about it.

import { ShoalError } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { AREAS, type Finding } from '../doctor/finding.ts';
import { gatherFacts } from '../doctor/gather.ts';
import { judge } from '../doctor/judge.ts';
import { printJson, printLine } from '../output.ts';

const VERDICT_CHARS = 4;
const NAME_CHARS = 15;

/** Throws `unsupported` when no driver works. `configProblem`: why `context` has defaults instead of settings. */
export async function doctor(context: CommandContext, configProblem: string | undefined): Promise<void> {
  const facts = await gatherFacts(context, configProblem);
  const { findings, workingDrivers } = judge(facts);
  if (context.settings.json) {
    printJson({ findings, workingDrivers, kernel: facts.kernel, node: facts.nodeVersion, version: facts.shoalVersion });
  } else {
    print(findings);
    printLine(workingDrivers.length > 0 ? `Images can be mounted by: ${workingDrivers.join(', ')}` : '');
  }
  if (workingDrivers.length === 0) throw new ShoalError('unsupported', 'no driver can mount images here');
}

function print(findings: readonly Finding[]): void {
  const indent = ' '.repeat(2 + VERDICT_CHARS + 2 + NAME_CHARS + 2);
  for (const area of AREAS) {
    printLine(area);
    for (const { name, verdict, found, todo, limits = [] } of findings.filter(finding => finding.area === area)) {
      printLine(`  ${verdict.padEnd(VERDICT_CHARS)}  ${name.padEnd(NAME_CHARS)}  ${found}`);
      for (const limit of limits) printLine(`${indent}- ${limit}`);
      if (todo !== undefined) printLine(`${indent}→ ${todo}`);
    }
    printLine();
  }
}
