// Logs of daemons and of the scheduler: their last lines in an error, or all of them kept where somebody wants to look.

import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import type { SwarmNode } from './node.ts';

const LAST_CHARS = 1500;

export async function lastOfLog(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '(there is no log)');
  return text.slice(-LAST_CHARS).trim();
}

/** As `DIRECTORY/NODE.log` and `DIRECTORY/scheduler.log`; over those that are there. */
export async function keepLogs(
  directory: string,
  { nodes, cluster }: { readonly nodes: readonly SwarmNode[]; readonly cluster: Cluster | undefined },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const logs = nodes.map(({ name, log }) => ({ name, log }));
  if (cluster) logs.push({ name: 'scheduler', log: cluster.log });
  // One that never started has none.
  await Promise.all(logs.map(({ name, log }) => copyFile(log, join(directory, `${name}.log`)).catch(() => {})));
}
