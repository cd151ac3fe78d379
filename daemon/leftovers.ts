// What a daemon that died left: mounts whose connections a holder has kept, which this one goes on with, and the rest, which
// is removed from the mount table and from disk as far as it was written down.

import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, messageOf } from '../core/index.ts';
import type { HeldConnection, HolderClient } from './holder/holder-client.ts';
import { keepingProblem } from './holder/keeping-problem.ts';
import type { MountHelper } from './mount/helper-client.ts';
import { readSavedMount, type SavedMount } from './resume-record.ts';
import { type MountRecord, mountSource, type StateDir } from './state-dir.ts';

/** A mount that waits for somebody to serve it. */
export interface KeptMount extends SavedMount {
  readonly written: MountRecord;
  /** Undefined: nobody needs to serve it. Its descriptors are whose the list is. */
  readonly connection: HeldConnection | undefined;
  /** It is where it was mounted. False: only somebody in another mount namespace still has it. */
  readonly isVisible: boolean;
}

export interface LeftoverPorts {
  readonly log: Logger;
  readonly state: StateDir;
  readonly helper: MountHelper;
  /** Undefined: none runs. */
  readonly holder: HolderClient | undefined;
}

/** With the lock held: removes what can't be gone on with, returns the rest. The daemon before is dead for certain. */
export async function sortLeftovers(ports: LeftoverPorts): Promise<readonly KeptMount[]> {
  const { state, holder, log } = ports;
  const records = await state.load();
  const held = new Set(await holder?.list());
  const places = records.length > 0 ? await ports.helper.find(records.map(({ id }) => mountSource(id))) : new Map();
  const kept: KeptMount[] = [];
  const gone: MountRecord[] = [];
  for (const written of records) {
    const connection = held.has(written.id) ? await holder?.take(written.id) : undefined;
    held.delete(written.id);
    const found = await look(ports, written, connection, places.get(mountSource(written.id)) ?? []);
    if (!('problem' in found)) {
      kept.push(found);
      continue;
    }
    if (connection !== undefined) {
      log.warn('a mount can not be gone on with', { mountpoint: written.mountpoint, problem: found.problem });
      await giveUp(ports, written.id, connection);
    }
    gone.push(written);
  }
  for (const id of held) await holder?.forget(id); // held, but never written down: it was not mounted
  await removeGone(ports, gone);
  return kept;
}

async function look(
  { state }: LeftoverPorts,
  written: MountRecord,
  connection: HeldConnection | undefined,
  places: readonly string[],
): Promise<KeptMount | { readonly problem: string }> {
  const problem = keepingProblem();
  if (problem !== undefined) return { problem };
  if (connection?.hasEnded) return { problem: 'it was unmounted' };
  const saved = await readSavedMount(join(state.paths.mounts, written.id), mountSource(written.id));
  if ('problem' in saved) return saved;
  const isVisible = places.includes(written.mountpoint);
  if (saved.record.connection === undefined) {
    return isVisible ? { ...saved, written, isVisible, connection: undefined } : { problem: 'it was unmounted' };
  }
  if (connection === undefined) return { problem: 'no holder has its connection' };
  return { ...saved, written, isVisible, connection };
}

/** The last resort: ends all connections, because a thread that waits for one keeps somebody from dying. */
export async function freeConnections(
  ports: Omit<LeftoverPorts, 'state'>,
  records: readonly MountRecord[],
): Promise<void> {
  const held = new Set(await ports.holder?.list());
  for (const { id } of records) {
    const connection = held.has(id) ? await ports.holder?.take(id) : undefined;
    if (connection !== undefined) await giveUp(ports, id, connection);
  }
  await ports.helper.clean(records.map(({ id }) => mountSource(id)));
}

/** Whoever waits for it gets an error. */
async function giveUp(
  { helper, holder, log }: Omit<LeftoverPorts, 'state'>,
  id: string,
  connection: HeldConnection,
): Promise<void> {
  const { device, hasEnded, descriptors } = connection;
  const [descriptor] = descriptors;
  if (device !== undefined && descriptor !== undefined && !hasEnded) {
    await helper
      .abort(device, descriptor)
      .catch(error => log.error('abort failed', { device, error: messageOf(error) }));
  }
  await holder?.forget(id);
  for (const descriptor of descriptors) closeSync(descriptor);
}

async function removeGone({ log, state, helper }: LeftoverPorts, records: readonly MountRecord[]): Promise<void> {
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
