// What this node knows of its swarm, with the names that only its owner may see: which image a task belongs to. Pure.

import type { Digest, SwarmStatus, TaskStatus } from '../core/index.ts';

export interface TaskReport extends TaskStatus {
  /** References of the mounted images that have the blob. */
  readonly images: readonly string[];
}

export interface SwarmReport extends SwarmStatus {
  readonly tasks: readonly TaskReport[];
}

export function swarmReport(
  status: SwarmStatus,
  mounts: readonly { readonly reference: string; readonly blobs: readonly Digest[] }[],
): SwarmReport {
  const images = new Map<Digest, Set<string>>();
  for (const { reference, blobs } of mounts) {
    for (const digest of blobs) images.set(digest, (images.get(digest) ?? new Set()).add(reference));
  }
  return { ...status, tasks: status.tasks.map(task => ({ ...task, images: [...(images.get(task.digest) ?? [])] })) };
}
