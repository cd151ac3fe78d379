// What another process of ours holds in its memory: the last word about what it knows.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Each writable region of the process, as far as it can be read. */
export function* memoryOf(pid: number): Generator<Buffer> {
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const region = readRegion(file, BigInt(`0x${from}`), Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
      if (region !== undefined) yield region;
    }
  } finally {
    closeSync(file);
  }
}

function readRegion(file: number, at: bigint, length: number): Buffer | undefined {
  try {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, at));
  } catch {
    return undefined; // of the kernel's own, or gone meanwhile
  }
}
