// Kills daemons, holders and readers in the middle of everything, and looks whether anybody notices.
//
//   sh scripts/with-node.sh bench/kill.ts [--kills 1000] [--seed N] [--driver fuse|erofs] [--only 'VICTIM, MOMENT'] [--verbose] [--json]
//
// A table of what was killed when. Exit code 1 at a wrong byte, an error where not both had died, or something that stays.
// Needs root, python3.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printLine, printTable } from '../cli/output.ts';
import { CELLS } from '../test/kill-matrix/cells.ts';
import { type MatrixReport, nameOf, playMatrix } from '../test/kill-matrix/matrix.ts';
import type { DriverName } from '../test/kill-matrix/stage.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    driver: { type: 'string' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const DRIVERS: readonly DriverName[] = ['fuse', 'erofs'];
const drivers = DRIVERS.filter(driver => values.driver === undefined || values.driver === driver);
if (drivers.length === 0) throw new Error(`--driver ${values.driver}: expected one of ${DRIVERS.join(', ')}`);
const directory = mkdtempSync(join(tmpdir(), 'shoal-kill-'));
const startedAt = performance.now();
const reports: MatrixReport[] = [];
for (const driver of drivers) {
  reports.push(
    await playMatrix({
      driver,
      seed: Number(values.seed),
      kills: Math.ceil(Number(values.kills) / drivers.length),
      directory,
      cells: CELLS.filter(cell => values.only === undefined || nameOf(cell) === values.only),
      onPlayed: (cell, ms) => {
        if (values.verbose) process.stderr.write(`${driver}: ${nameOf(cell)}: ${Math.round(ms)} ms\n`);
      },
    }),
  );
}
rmSync(directory, { recursive: true });

if (values.json) printJson(reports.map(report => ({ ...report, played: Object.fromEntries(report.played) })));
else {
  printTable(
    ['killed, during', ...reports.map(({ driver }) => driver)],
    CELLS.map(cell => [nameOf(cell), ...reports.map(({ played }) => String(played.get(nameOf(cell)) ?? 0))]),
  );
  for (const { driver, kills, right, failed } of reports) {
    printLine(
      `${driver}: killed ${kills.daemon} daemons, ${kills.holder} holders, ${kills.reader} readers; ${right} reads right, 0 wrong, ` +
        `${failed} readers got an error because both had died`,
    );
  }
  printLine(`seed ${values.seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
