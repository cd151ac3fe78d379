// The self-test without a daemon, for doctor.

import { EROFS_BACKINGS, type ErofsBacking, silentLogger, systemClock } from '../../core/index.ts';
import { defaultDaemonLimits } from '../config.ts';
import { ServerThreads } from '../fuse/server-threads.ts';
import { MountHelper } from '../mount/helper-client.ts';
import { ErofsTests } from './erofs-tests.ts';

/** What is wrong with each backing here; those with which nothing is are left out. */
export type BackingProblems = Readonly<Partial<Record<ErofsBacking, string>>>;

/** `root`: an absolute directory, for files that are gone afterwards. Never rejects. */
export async function testBackings(root: string): Promise<BackingProblems> {
  const limits = defaultDaemonLimits;
  const helper = new MountHelper({ timeoutMs: limits.helperMs });
  const threads = new ServerThreads();
  const tests = new ErofsTests({ clock: systemClock, log: silentLogger, helper, threads }, { root, limits });
  const found = await Promise.all(
    EROFS_BACKINGS.map(async backing => [backing, await tests.problem(backing, { patient: true })] as const),
  );
  await tests.stop();
  await threads.stop();
  return Object.fromEntries(found.filter(([, problem]) => problem !== undefined));
}
