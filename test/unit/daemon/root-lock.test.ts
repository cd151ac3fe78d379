import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../core/index.ts';
import { RootLock } from '../../../daemon/root-lock.ts';
import { scratch } from './daemon-under-test.ts';

const options = { clock: systemClock, waitMs: 1_000, patienceMs: 0, onDying: async () => {} };

test('a holder that ends just now is not taken for one that stays', async t => {
  const path = join(scratch(t), 'lock');
  const first = await RootLock.acquire(path, options);
  const clock = { ...systemClock, sleep: () => first.release() }; // while it is waited for
  const second = await RootLock.acquire(path, { ...options, clock });
  await assert.rejects(RootLock.acquire(path, options), { code: 'busy', message: new RegExp(`pid ${process.pid}\\)`) });
  await second.release();
});
