// Which of several schedulers has a task: rendezvous hashing, so that peers need no table, agree without a word, and only
// the tasks of a scheduler that came or went move.

import { createHash } from 'node:crypto';
import type { TaskId } from './task-id.ts';

/**
 * The scheduler with the highest SHA-256(the 32 bytes of the task id ‖ the scheduler's peer id in text form, UTF-8);
 * undefined when there is none. The order of the list does not matter.
 */
export function ownerOf(taskId: TaskId, schedulerIds: readonly string[]): string | undefined {
  const task = Buffer.from(taskId, 'hex');
  let owner: { readonly id: string; readonly weight: Buffer } | undefined;
  for (const id of schedulerIds) {
    const weight = createHash('sha256').update(task).update(id).digest();
    if (owner === undefined || Buffer.compare(weight, owner.weight) > 0) owner = { id, weight };
  }
  return owner?.id;
}
