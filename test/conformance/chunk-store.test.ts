import { join } from 'node:path';
import { silentLogger, systemClock } from '../../core/index.ts';
import { DiskStore, defaultStoreLimits } from '../../daemon/index.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { atEnd, scratch } from '../unit/daemon/daemon-under-test.ts';
import { chunkStoreConformance } from './chunk-store.ts';

chunkStoreConformance(
  'in memory',
  async () => {
    const store = new MemoryStore();
    return { store, reopen: () => new MemoryStore(store.contents) };
  },
  { hasFiles: false },
);

chunkStoreConformance(
  'on disk',
  async t => {
    const directory = join(scratch(t), 'cache');
    const make = () =>
      new DiskStore(
        { clock: systemClock, log: silentLogger },
        { directory, bootId: 'ab'.repeat(16), limits: defaultStoreLimits },
      );
    const store = make();
    atEnd(t, () => store.stop());
    return { store, reopen: make };
  },
  { hasFiles: true },
);
