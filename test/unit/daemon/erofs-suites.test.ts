// The suites of a mounted tree and of reads that wait, by the erofs driver: what it may not do is said there.

import { test } from 'node:test';
import { checkDriver } from '../../../daemon/index.ts';
import { useDriver } from './lazy-image.ts';

const { problem } = await checkDriver('erofs');
if (problem !== undefined) test('mounts by the erofs driver', { skip: problem }, () => {});
else {
  useDriver('erofs');
  await import('./mounted-tree.test.ts');
  await import('./waiting-reads.test.ts');
}
