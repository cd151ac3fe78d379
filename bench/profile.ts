// Where does the processor's time go? Sums a profile up by function: by itself, and with all that it called.
//   sh scripts/with-node.sh bench/profile.ts FILE.cpuprofile [--rows 40]

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { printLine, printTable } from '../cli/output.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** µs before each sample. */
  readonly timeDeltas: readonly number[];
}

const { values, positionals } = parseArgs({
  options: { rows: { type: 'string', default: '40' } },
  allowPositionals: true,
});
const profile: Profile = JSON.parse(await readFile(positionals[0] ?? '', 'utf8'));
const nodes = new Map(profile.nodes.map(node => [node.id, node]));
const own = new Map<number, number>();
for (const [i, id] of profile.samples.entries()) own.set(id, (own.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0));

const sums = new Map<string, { own: number; all: number }>();
const [root] = profile.nodes;
if (root !== undefined) walk(root, new Set());
const idle = sums.get('(idle)')?.own ?? 0;
sums.delete('(idle)');
sums.delete('(root)');
const busy = [...own.values()].reduce((sum, us) => sum + us, 0) - idle;

printLine(`${(busy / 1e6).toFixed(1)} s busy, ${(idle / 1e6).toFixed(1)} s idle`);
for (const by of ['own', 'all'] as const) {
  const rows = [...sums].sort((a, b) => b[1][by] - a[1][by]).slice(0, Number(values.rows));
  printTable(
    [by === 'own' ? 'by itself' : 'with what it called', 'function'],
    rows.map(([name, us]) => [`${((100 * us[by]) / busy).toFixed(1)} %`, name]),
  );
}

/** Returns the µs of the node and all below it; a function that calls itself counts once. */
function walk(node: ProfileNode, above: Set<string>): number {
  const name = nameOf(node);
  const isOutermost = !above.has(name);
  above.add(name);
  let all = own.get(node.id) ?? 0;
  const sum = sums.get(name) ?? { own: 0, all: 0 };
  sums.set(name, sum);
  sum.own += all;
  for (const id of node.children ?? []) {
    const child = nodes.get(id);
    if (child !== undefined) all += walk(child, above);
  }
  if (isOutermost) {
    above.delete(name);
    sum.all += all;
  }
  return all;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url.split('/').slice(-3).join('/');
  return file === '' ? functionName : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}
