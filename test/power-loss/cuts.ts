// Lives of a daemon's state, one after the other, each ended at any operation by a power cut or by SIGKILL: the next begins
// with what a disk might hold then. What a seed fixes is what is done, when it is cut and what the disk keeps; threads may
// still come in another order, so a failure keeps the directory that showed it.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../support/swarm/random.ts';
import { playedBlobs } from './blobs.ts';
import { Disk } from './disk.ts';
import { live, NO_PROMISES, type Promises, promisesOf } from './life.ts';
import { type Operation, type Recording, recording } from './recording.ts';

export interface CutsOptions {
  /** Power cuts; SIGKILLs come on top. */
  readonly cuts: number;
  readonly seed: number;
  /** An empty directory for the disks. */
  readonly directory: string;
  /** Operations that are left out of the recording, as if the store had not done them: to see that it matters. */
  readonly without?: ((operation: Operation, path: string) => boolean) | undefined;
}

export interface CutsReport {
  readonly powerCuts: number;
  readonly kills: number;
  readonly operations: number;
  /** Chunks that were there after a power cut, and right. */
  readonly survived: number;
}

/** After so many cuts a new disk is begun. */
const CUTS_PER_DISK = 12;
const KILLS = 0.2;
const CUT_AT_END = 0.1;

/** Throws at the first wrong byte or broken promise. */
export async function cutAndLook({ cuts, seed, directory, without }: CutsOptions): Promise<CutsReport> {
  const blobs = playedBlobs();
  const random = new SeededRandom(seed);
  const report = { powerCuts: 0, kills: 0, operations: 0, survived: 0 };
  for (let life = 0, disk: State | undefined; ; life++) {
    if (life % CUTS_PER_DISK === 0) disk = undefined;
    const before = disk ?? { last: 'power cut', promises: NO_PROMISES, boot: life, disk: undefined };
    const root = join(directory, `life-${life}`);
    const log = join(directory, `log-${life}`);
    mkdirSync(root, { mode: 0o700 });
    before.disk?.write(root);
    const bootId = before.boot.toString(16).padStart(32, '0');
    const lived = { root, bootId, random, promises: before.promises };
    let found = 0;
    const recorded = await recording(log, async () => {
      found = (await live(blobs, lived)).found;
    }).catch(error => {
      throw new Error(`seed ${seed}, life ${life}, after a ${before.last}: ${error.message} (${root})`, {
        cause: error,
      });
    });
    if (before.last === 'power cut') report.survived += found;
    if (report.powerCuts >= cuts && before.last === 'power cut') return report;
    disk = next({ before, root, random, recorded, without });
    report.operations += recorded.operations.length;
    if (disk.last === 'power cut') report.powerCuts++;
    else report.kills++;
    rmSync(root, { recursive: true });
    rmSync(log);
  }
}

interface State {
  readonly last: 'power cut' | 'kill';
  readonly disk: Disk | undefined;
  readonly promises: Promises;
  readonly boot: number;
}

function next(life: {
  readonly before: State;
  readonly root: string;
  readonly random: SeededRandom;
  readonly recorded: Recording;
  readonly without: CutsOptions['without'];
}): State {
  const { before, root, random, recorded, without } = life;
  const disk = before.disk?.at(root) ?? new Disk(root);
  const { operations, marks, length } = recorded;
  const end = random.next() < CUT_AT_END ? length : random.below(length + 1);
  const played = without === undefined ? operations : leftOut(operations, without);
  const whole = disk.copy();
  whole.play(operations, length);
  const [difference] = whole.differences(root);
  if (difference !== undefined) throw new Error(`the recording is not what happened: ${difference}`);
  disk.play(played, end);
  const promises = promisesOf(before.promises, marks, { end, durable: before.last === 'power cut' });
  if (random.next() < KILLS) {
    disk.kill(random);
    return { last: 'kill', disk, promises, boot: before.boot };
  }
  return { last: 'power cut', disk: disk.cut(random), promises, boot: before.boot + 1 };
}

function leftOut(operations: readonly Operation[], without: NonNullable<CutsOptions['without']>): Operation[] {
  const paths = new Map<number, string>();
  return operations.filter(operation => {
    const { what, result } = operation;
    if (what.call === 'open' && result !== undefined) paths.set(result, what.path);
    return !without(operation, 'fd' in what ? (paths.get(what.fd) ?? '') : '');
  });
}
