// Plays cells of the kill matrix until enough has been killed, and counts. Seeded: the same seed draws the same cells, moments
// and orders of reading; what a moment hits is the machine's doing.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../support/swarm/random.ts';
import { CELLS, type Cell, play } from './cells.ts';
import { type DriverName, Stage } from './stage.ts';

export interface MatrixOptions {
  readonly driver: DriverName;
  readonly seed: number;
  /** Processes to be killed at least. */
  readonly kills: number;
  /** An empty directory. */
  readonly directory: string;
  /** Some of CELLS. */
  readonly cells?: readonly Cell[] | undefined;
  readonly onPlayed?: (cell: Cell, ms: number) => void;
}

export interface MatrixReport {
  readonly driver: DriverName;
  readonly kills: Stage['kills'];
  /** How often each cell was played, by `victim, moment`. */
  readonly played: ReadonlyMap<string, number>;
  /** Reads of all files that were right. */
  readonly right: number;
  /** Readers that got errors, because both daemon and holder had died. */
  readonly failed: number;
}

/** Throws at the first wrong byte, error, or thing that stays. */
export async function playMatrix(options: MatrixOptions): Promise<MatrixReport> {
  const { driver, seed, kills, directory, onPlayed, cells = CELLS } = options;
  const random = new SeededRandom(seed);
  const played = new Map<string, number>();
  const place = join(directory, driver);
  mkdirSync(place);
  const stage = new Stage(place, driver, random);
  let now = 'the beginning';
  try {
    await stage.begin();
    for (let left: Cell[] = []; stage.kills.daemon + stage.kills.holder + stage.kills.reader < kills; ) {
      if (left.length === 0) left = random.pick(cells, cells.length);
      const cell = left.pop();
      if (cell === undefined) break;
      now = nameOf(cell);
      const startedAt = performance.now();
      await play(stage, cell, random);
      onPlayed?.(cell, performance.now() - startedAt);
      played.set(now, (played.get(now) ?? 0) + 1);
    }
    now = 'the end';
    await stage.end();
  } catch (error) {
    await stage.abandon();
    const rounds = [...played.values()].reduce((sum, times) => sum + times, 0);
    throw new Error(
      `${driver}, seed ${seed}, round ${rounds}, ${now}: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  }
  return { driver, kills: stage.kills, played, right: stage.right, failed: stage.failed };
}

export function nameOf({ victim, moment }: Cell): string {
  return `${victim}, ${moment}`;
}
