// The suites of a mounted tree and of reads that wait, with requests that come through io_uring.

import { after, test } from 'node:test';
import { noRings, setRings } from '../../support/rings.ts';

if (noRings !== false) test('mounts served through io_uring', { skip: noRings }, () => {});
else {
  after(setRings('Y'));
  await import('./mounted-tree.test.ts');
  await import('./waiting-reads.test.ts');
}
