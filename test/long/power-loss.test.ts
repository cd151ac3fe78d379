// Would the power cuts of test/unit/daemon/power-loss.test.ts find anything? What keeps data safe is left out, and they do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { powerCuts } from '../power-loss/run.ts';

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
