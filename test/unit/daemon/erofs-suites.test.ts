// The suites of a mounted tree and of reads that wait, by the erofs driver.

import { useDriver } from './lazy-image.ts';

useDriver('erofs');
await import('./mounted-tree.test.ts');
await import('./waiting-reads.test.ts');
