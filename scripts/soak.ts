// The stress test of the FUSE drivers for as long as one likes: round after round, each with a cold cache and another
// seed, until the time is over or a round fails. The seed that it prints makes the same round again.
//   sh scripts/with-node.sh scripts/soak.ts [--minutes N] [--seed N] [--round SECONDS]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const TEST = resolve(import.meta.dirname, '../test/long/fuse-stress.test.ts');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    /** How long each part of a round goes on (readers, fio, stress-ng). */
    round: { type: 'string', default: '20' },
  },
});

function positive(name: 'minutes' | 'seed' | 'round'): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} ${values[name]}: expected a number above 0`);
}

const [minutes, firstSeed, round] = [positive('minutes'), positive('seed'), positive('round')];
const end = performance.now() + minutes * 60_000;
let rounds = 0;
do {
  const seed = firstSeed + rounds;
  console.log(`soak: round ${++rounds}, seed ${seed}, ${round} s for each part`);
  const env = { ...process.env, SHOAL_STRESS_SECONDS: `${round}`, SHOAL_STRESS_SEED: `${seed}` };
  const child = spawn(process.execPath, ['--test', TEST], { env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    console.error(
      `soak: round ${rounds} failed; to see it again: scripts/soak.ts --minutes 1 --seed ${seed} --round ${round}`,
    );
    process.exitCode = 1;
    break;
  }
} while (performance.now() < end);
console.log(`soak: ${rounds} rounds`);
