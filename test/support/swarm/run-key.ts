// Whose things are these? Namespaces, directories and mounts of a run on shaped links carry the key of the process that
// made them, so that the next run can remove what a killed one left, and never what belongs to a live one.

import { readFileSync } from 'node:fs';

const PREFIX = 'shoal-swarm';
const NAMED = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)`);

/** Process id and start: a later process with the same id has another key. */
export interface RunKey {
  readonly pid: number;
  /** Clock ticks since boot, of /proc/PID/stat. */
  readonly start: number;
}

export function ownKey(): RunKey {
  const start = startOf(process.pid);
  if (start === undefined) throw new Error('/proc has no entry for this process');
  return { pid: process.pid, start };
}

/** What things of this run are called: `shoal-swarm-PID-START-NAME`. */
export function nameOf({ pid, start }: RunKey, name?: string): string {
  return [PREFIX, pid, start, ...(name === undefined ? [] : [name])].join('-');
}

/** The key in a name, or undefined when it is not one of ours. */
export function keyIn(name: string): RunKey | undefined {
  const [, pid, start] = NAMED.exec(name) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), start: Number(start) };
}

export function isAlive({ pid, start }: RunKey): boolean {
  return startOf(pid) === start;
}

/** Undefined when there is no such process, or only its zombie. */
function startOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; state is the first field behind it, the start the 20th.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
