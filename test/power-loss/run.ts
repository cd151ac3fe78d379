// Runs scripts/power-cuts.ts in a process of its own, which has the recorder in every thread.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd, scratch } from '../unit/daemon/daemon-under-test.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/power-cuts.ts');

export async function powerCuts(
  t: TestContext,
  ...args: readonly string[]
): Promise<{ code: number | null; said: string }> {
  const env = { ...process.env, TMPDIR: scratch(t) };
  const child = spawn(process.execPath, [SCRIPT, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', text => {
    said += text;
  });
  const code = await new Promise<number | null>(done => child.on('close', done));
  return { code, said };
}
