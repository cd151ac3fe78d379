// The long fuzz run: every target of test/fuzz/ in turn, with ever new seeds, for so many minutes.
//
//   sh scripts/with-node.sh scripts/fuzz.ts --minutes 10 --seed 1
//   sh scripts/with-node.sh scripts/fuzz.ts --target layer --seed 17 --runs 2000      one batch, as a failure names it
//   sh scripts/with-node.sh scripts/fuzz.ts --target layer --replay FILE              one saved input
//
// A batch runs in a process of its own, so that a hang or a crash is found, too. The input that fails is saved; its path
// and the command that repeats it are printed. Exit code 1 when something failed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FuzzTarget, fuzz, judge } from '../test/fuzz/fuzzing.ts';
import { TARGETS } from '../test/fuzz/targets/index.ts';

/** Large enough that starting a process does not count, small enough that no target waits long for its turn. */
const BATCH_RUNS = 2000;
/** A batch takes seconds; one that takes this long hangs. */
const BATCH_TIMEOUT_MS = 300_000;
const SAVED = join(tmpdir(), 'shoal-fuzz');
/** Seeds of fast-check are 32-bit integers. */
const SEEDS = 2 ** 31;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    target: { type: 'string' },
    runs: { type: 'string' },
    replay: { type: 'string' },
    /** Writes each input to this file before it is run: the last one is what hung or crashed. */
    trace: { type: 'string' },
  },
});

const seed = values.seed === undefined ? Math.floor(Math.random() * SEEDS) : numberOf('seed', values.seed);
const targets = values.target === undefined ? TARGETS : TARGETS.filter(({ name }) => name === values.target);
const [first] = targets;
if (!first) throw new Error(`no target ${values.target}; there are: ${TARGETS.map(({ name }) => name).join(', ')}`);

if (values.replay !== undefined) process.exitCode = await replay(first, values.replay);
else if (values.runs !== undefined) process.exitCode = await batch(first, numberOf('runs', values.runs));
else process.exitCode = longRun(numberOf('minutes', values.minutes));

/** A run of no length finds nothing, which must not look like a success. */
function numberOf(option: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${option} ${text}: expected a whole number`);
  return Number(text);
}

async function replay(target: FuzzTarget, path: string): Promise<number> {
  console.log(`${target.name}: ${await judge(target, readFileSync(path))}`);
  return 0;
}

async function batch(target: FuzzTarget, runs: number): Promise<number> {
  const { trace } = values;
  const onInput = (input: Uint8Array) => trace !== undefined && writeFileSync(trace, input);
  const { taken, refused, failure } = await fuzz(target, { seed, runs, onInput });
  if (!failure) {
    console.log(`${target.name}: seed ${seed}, ${taken} taken, ${refused} refused`);
    return 0;
  }
  const path = save(target, failure.input);
  console.log(`${target.name}: FAILED with seed ${seed}; input saved as ${path}\n${failure.report}`);
  return 1;
}

function longRun(minutes: number): number {
  console.log(`seed ${seed}, ${minutes} minutes, ${targets.map(({ name }) => name).join(', ')}`);
  const deadline = performance.now() + minutes * 60_000;
  let failures = 0;
  for (let round = 0; performance.now() < deadline; round++) {
    for (const target of targets) {
      if (performance.now() > deadline) break;
      failures += runBatch(target, (seed + round) % SEEDS);
    }
  }
  console.log(failures === 0 ? 'nothing found' : `${failures} batches failed`);
  return failures === 0 ? 0 : 1;
}

/** Returns how many failures there were: 0 or 1. */
function runBatch(target: FuzzTarget, batchSeed: number): number {
  const args = ['--target', target.name, '--seed', String(batchSeed), '--runs', String(BATCH_RUNS)];
  const run = (...more: readonly string[]) =>
    spawnSync(process.execPath, [import.meta.filename, ...args, ...more], {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: BATCH_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
  const { status } = run();
  if (status === 0) return 0;
  if (status === null) {
    // Nobody was left to save the input: the same again, written down.
    const path = save(target, new Uint8Array());
    run('--trace', path);
    console.log(`${target.name}: a hang or a crash with seed ${batchSeed}; input saved as ${path}`);
  }
  console.log(`again: sh scripts/with-node.sh scripts/fuzz.ts ${args.join(' ')}`);
  return 1;
}

function save(target: FuzzTarget, input: Uint8Array): string {
  mkdirSync(SAVED, { recursive: true });
  const path = join(SAVED, `${target.name}-${seed}-${process.pid}.bin`);
  writeFileSync(path, input);
  return path;
}
