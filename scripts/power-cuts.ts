// Cuts the power of a daemon's state directory again and again and looks at what is left: no byte may be wrong, and what was
// safe must be there. The store and its state are the real ones; the disk is a model of what a disk may do.
//
//   sh scripts/with-node.sh scripts/power-cuts.ts [--cuts 200] [--seed N] [--without data-sync|map-sync|directory-sync]
//
// `--without` leaves one kind of fdatasync out of what the disk is told: then wrong bytes must be found. Exit code 1 when
// something was found; the directory that showed it is kept.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cutAndLook } from '../test/power-loss/cuts.ts';
import { LEFT_OUT } from '../test/power-loss/left-out.ts';

const RECORDER = new URL('../test/power-loss/recorder.ts', import.meta.url).href;

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    without: { type: 'string' },
  },
});

// Every thread has to have the recorder before anything else.
if (!process.execArgv.includes(RECORDER)) {
  const args = ['--import', RECORDER, import.meta.filename, ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
}

const without = values.without === undefined ? undefined : LEFT_OUT[values.without];
if (values.without !== undefined && without === undefined) {
  throw new Error(`--without ${values.without}: expected one of ${Object.keys(LEFT_OUT).join(', ')}`);
}
const directory = mkdtempSync(join(tmpdir(), 'shoal-power-cuts-'));
try {
  const report = await cutAndLook({ cuts: Number(values.cuts), seed: Number(values.seed), directory, without });
  rmSync(directory, { recursive: true });
  process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), ...report })}\n`);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
