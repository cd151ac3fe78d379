// Everything about the driver erofs again, with loop devices between the kernel and what the daemon serves; and what is
// particular to them.

import { test } from 'node:test';
import { checkDriver } from '../../daemon/index.ts';
import { missingLoop } from '../support/missing.ts';
import { useBacking, useDriver } from '../unit/daemon/lazy-image.ts';

const problem = (await checkDriver('erofs')).problem ?? missingLoop();
if (problem !== false) test('mounts by the erofs driver over loop devices', { skip: problem }, () => {});
else {
  useDriver('erofs');
  useBacking('loop');
  await import('../unit/daemon/erofs.test.ts');
  await import('../unit/daemon/erofs-suites.test.ts');
}
