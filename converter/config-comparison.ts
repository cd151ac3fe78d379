// Does an accelerated image run as its original? Compares everything in the two configs but what a conversion must
// change: diff ids, and the history with its entry for the bootstrap. Pure.

import type { ImageConfig } from '../registry/index.ts';
import type { Differences } from './differences.ts';

const NOT_COMPARED: ReadonlySet<string> = new Set(['rootfs', 'history']);

export function compareConfigs(original: ImageConfig, accelerated: ImageConfig, differences: Differences): void {
  compareValues(comparable(original), comparable(accelerated), 'config', differences);
}

function comparable(config: ImageConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !NOT_COMPARED.has(key)));
}

function compareValues(expected: unknown, found: unknown, path: string, differences: Differences): void {
  if (isRecord(expected) && isRecord(found)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      compareValues(expected[key], found[key], `${path}.${key}`, differences);
    }
    return;
  }
  const [a, b] = [shown(expected), shown(found)];
  // Lists are short here (arguments, variables), and their order means something.
  if (a !== b) differences.add(path, 'config', a, b);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
