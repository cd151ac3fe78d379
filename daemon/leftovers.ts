// What a daemon that died left in the mount table and on disk: removed by the next daemon of its root, as far as it was
// written down.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../core/index.ts';
import type { MountHelper } from './mount/helper-client.ts';
import { mountSource, type StateDir } from './state-dir.ts';

export async function removeLeftovers(log: Logger, state: StateDir, helper: MountHelper): Promise<void> {
  const records = await state.load();
  if (records.length === 0) return;
  const { cleaned, stuck } = await helper.clean(records.map(({ id }) => mountSource(id)));
  log.warn('cleaning up after a daemon that died', { mounts: records.length, cleaned, stuck });
  for (const { id } of records) {
    if (stuck.includes(mountSource(id))) continue; // written down until a later start succeeds
    // Its mounts are gone, so this touches plain directories only.
    await rm(join(state.paths.mounts, id), { recursive: true, force: true });
    await state.remove(id);
  }
}
