// The state directory and power cuts: the store and its state run for real, recorded; what the disk holds after a cut is a
// model's choice (test/power-loss/). That a missing sync shows is tried in test/long/power-loss.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { powerCuts } from '../../power-loss/run.ts';

test('after power cuts and kills at any operation no byte is wrong, and what was safe is there', async t => {
  const { code, said } = await powerCuts(t, '--cuts', '200', '--seed', '1');
  assert.equal(code, 0, said);
  const { powerCuts: cuts, survived } = JSON.parse(said);
  assert.ok(cuts >= 200 && survived > 1000, said);
});
