// The state directory and power cuts: the store and its state run for real, recorded; what the disk holds after a cut is a
// model's choice (test/power-loss/). In processes of their own, which have the recorder in every thread.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { atEnd, scratch } from './daemon-under-test.ts';

const SCRIPT = join(import.meta.dirname, '../../../scripts/power-cuts.ts');

async function powerCuts(t: TestContext, ...args: readonly string[]): Promise<{ code: number | null; said: string }> {
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

test('after power cuts and kills at any operation no byte is wrong, and what was safe is there', async t => {
  const { code, said } = await powerCuts(t, '--cuts', '200', '--seed', '1');
  assert.equal(code, 0, said);
  const { powerCuts: cuts, survived } = JSON.parse(said);
  assert.ok(cuts >= 200 && survived > 1000, said);
});

for (const [leftOut, found] of [
  ['data-sync', /wrong bytes/],
  ['map-sync', /wrong bytes|is gone/],
  ['directory-sync', /wrong bytes|is gone/],
] as const) {
  test(`the cuts show it when the ${leftOut.replace('-', "'s ")} is left out`, async t => {
    const { code, said } = await powerCuts(t, '--cuts', '200', '--seed', '1', '--without', leftOut);
    assert.equal(code, 1, said);
    assert.match(said, found);
  });
}
