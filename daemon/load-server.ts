// The way to what runs a daemon. Commands that only talk to one, as most do, import this folder too, and should not wait
// until the control socket's server, the metrics and the file system are read and compiled: a tenth of a second.

import type { BackingProblems } from './self-test/backings.ts';

/** See self-test/backings.ts. */
export async function testErofsBackings(root: string): Promise<BackingProblems> {
  return (await import('./self-test/backings.ts')).testBackings(root);
}

export async function loadServer() {
  const [{ Daemon }, { startControlApi }, { endAtOnce }] = await Promise.all([
    import('./daemon.ts'),
    import('./control-api.ts'),
    import('./system-calls.ts'),
  ]);
  return { Daemon, startControlApi, endAtOnce };
}

/** The holder, for who runs one by hand. */
export async function loadHolder() {
  return await import('./holder/holder.ts');
}
