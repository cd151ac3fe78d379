// The kill matrix of test/kill-matrix/ as far as a test's time allows; bench/kill.ts goes on for longer.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { checkDriver } from '../../daemon/index.ts';
import { playMatrix } from '../kill-matrix/matrix.ts';
import { scratch } from '../unit/daemon/daemon-under-test.ts';

/** For each driver; takeover.test.ts has more. */
const KILLS = 100;
const SEED = 1;

for (const driver of ['fuse', 'erofs'] as const) {
  const { problem } = await checkDriver(driver);
  const skip = problem ?? (existsSync('/usr/bin/python3') ? false : 'python3 is not installed');

  test(`${driver}: daemons, holders and readers killed in the middle of everything, and nobody notices`, {
    skip,
  }, async t => {
    const report = await playMatrix({ driver, seed: SEED, kills: KILLS, directory: scratch(t) });
    const { kills, right } = report;
    t.diagnostic(JSON.stringify({ ...report, played: Object.fromEntries(report.played) }));
    assert.ok(kills.daemon > 10 && kills.holder > 10 && kills.reader > 10, JSON.stringify(kills));
    assert.ok(right > KILLS, `${right} reads were right`);
  });
}
