// The suites of a mounted tree and of reads that wait, by the fuse-native driver: what it may not do is said there.

import { useDriver } from './lazy-image.ts';

useDriver('fuse-native');
await import('./mounted-tree.test.ts');
await import('./waiting-reads.test.ts');
