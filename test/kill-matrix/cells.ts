// The cells of the kill matrix: who is killed, and in the middle of what. Each begins and ends with a daemon, a holder and the
// steady mount as they should be. Moments are drawn: a cell is played often, to hit every one.

import { readdirSync } from 'node:fs';
import { systemClock } from '../../core/index.ts';
import type { SeededRandom } from '../support/swarm/random.ts';
import { until } from '../support/until.ts';
import type { ReaderProcess } from './processes.ts';
import type { Stage } from './stage.ts';

export type Victim = 'daemon' | 'holder' | 'both' | 'readers';
export type Moment = 'reads' | 'fetches' | 'mount' | 'INIT' | 'umount' | 'takeover';

export interface Cell {
  readonly victim: Victim;
  readonly moment: Moment;
}

const READERS = 8;
/** Daemons that are killed one after the other while they take over. */
const IN_A_ROW = 3;
const CONNECTIONS = '/sys/fs/fuse/connections';

/** Longer than what is killed in its middle mostly takes, ms: a part of the kills come after it. */
const TAKES_MS: Readonly<Record<Moment, number>> = {
  reads: 150,
  fetches: 30,
  mount: 250,
  INIT: 5,
  umount: 60,
  takeover: 300,
};

export const CELLS: readonly Cell[] = [
  ...(['daemon', 'holder', 'both'] as const).flatMap(victim =>
    (['reads', 'fetches', 'mount', 'INIT', 'umount', 'takeover'] as const).map(moment => ({ victim, moment })),
  ),
  ...(['reads', 'fetches', 'takeover'] as const).map(moment => ({ victim: 'readers' as const, moment })),
];

export async function play(stage: Stage, { victim, moment }: Cell, random: SeededRandom): Promise<void> {
  const kill = (readers: readonly ReaderProcess[]) => killVictim(stage, { victim, readers, random });
  const pause = () => systemClock.sleep(random.next() * TAKES_MS[moment]);
  switch (moment) {
    case 'reads':
    case 'fetches': {
      const deliver = moment === 'reads';
      const reference = await stage.mountExtra({ deliver });
      const readers = stage.readers(stage.extra, reference, READERS);
      if (!deliver) await until(() => readers.every(reader => reader.isBlocked), 'readers wait');
      await pause();
      await kill(readers);
      // Who waits for chunks that never come, of a daemon that lives, waits until another one brings them.
      if (!deliver && victim === 'holder') await stage.killDaemonHeld();
      await stage.judge(readers, stage.recover());
      if (!deliver && victim === 'readers') await stage.unmountExtra();
      await stage.clearExtra(reference);
      return;
    }
    case 'mount':
    case 'INIT': {
      const before = connections();
      const mounting = settled(stage.mountExtra({ deliver: true }));
      if (moment === 'INIT') await Promise.race([mounting, until(() => connections() !== before, 'a connection')]);
      await pause();
      await kill([]);
      if (victim === 'holder') await mounting;
      await stage.recover();
      await stage.clearExtra(stage.lastReference);
      return;
    }
    case 'umount': {
      const reference = await stage.mountExtra({ deliver: true });
      const unmounting = settled(stage.unmountExtra());
      await pause();
      await kill([]);
      if (victim === 'holder') await unmounting;
      await stage.recover();
      await stage.clearExtra(reference);
      return;
    }
    case 'takeover': {
      const reference = await stage.mountExtra({ deliver: false });
      const readers = stage.readers(stage.extra, reference, READERS);
      await until(() => readers.every(reader => reader.isBlocked), 'readers wait');
      await stage.killDaemon();
      for (let more = victim === 'daemon' ? IN_A_ROW - 1 : 0; more > 0; more--) {
        const starting = settled(stage.startNext());
        await pause();
        await stage.killDaemon();
        await starting;
      }
      const starting = settled(stage.startNext());
      await pause();
      await kill(readers);
      if (victim === 'holder' || victim === 'readers') await starting;
      await stage.judge(readers, stage.recover());
      await stage.clearExtra(reference);
    }
  }
}

async function killVictim(
  stage: Stage,
  { victim, readers, random }: { victim: Victim; readers: readonly ReaderProcess[]; random: SeededRandom },
): Promise<void> {
  if (victim === 'readers') stage.killReaders(readers);
  const holderFirst = random.next() < 0.5;
  if (victim === 'holder' || (victim === 'both' && holderFirst)) await stage.killHolder();
  if (victim === 'daemon' || victim === 'both') await stage.killDaemon();
  if (victim === 'both' && !holderFirst) await stage.killHolder();
}

/** Whatever becomes of it: what it was about is looked at afterwards. */
async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => {},
    () => {},
  );
}

/** Of the whole machine: somebody else's may come, too, and are as good a moment as any. */
function connections(): string {
  return readdirSync(CONNECTIONS).join();
}
