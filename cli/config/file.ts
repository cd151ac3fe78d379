// The configuration file: from a path to checked values, and from a key to the line it stands on.

import { readFileSync, statSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { errnoOf, fromSystemError, ShoalError } from '../../core/index.ts';
import type { RegistryHostSettings } from '../../registry/index.ts';
import { CONFIG_KEYS, type ConfigFile, configSchema, KEYS, REGISTRY_KEYS } from './keys.ts';
import { registryHosts } from './registry-hosts.ts';
import { didYouMean } from './suggestion.ts';

/** Hundreds of registries fit; what is larger is not a configuration. */
const MAX_FILE_BYTES = 256 << 10;

export interface LoadedFile {
  readonly path: string;
  readonly values: ConfigFile;
  readonly registries: Readonly<Record<string, RegistryHostSettings>>;
  /** `FILE:LINE` of a key, or `FILE`. */
  where(path: readonly PropertyKey[]): string;
}

/** Undefined when there is none and `optional`. Throws `usage` for what is in it, `not-found` and `system`. */
export function loadConfigFile(path: string, { optional }: { readonly optional: boolean }): LoadedFile | undefined {
  const text = readText(path, optional);
  if (text === undefined) return undefined;
  const document = parseToml(text, path);
  const where = (key: readonly PropertyKey[]) => {
    const line = lineOf(text, key);
    return line === undefined ? path : `${path}:${line}`;
  };
  const parsed = configSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ShoalError('usage', issue === undefined ? `${path}: not valid` : refusal(issue, document, where));
  }
  const registries = registryHosts(parsed.data.registry ?? {}, (host, key) =>
    where(['registry', host, ...(key === undefined ? [] : [key])]),
  );
  return { path, values: parsed.data, registries, where };
}

function readText(path: string, optional: boolean): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) {
      throw new ShoalError('limit', `configuration ${path}: ${size} bytes; at most ${MAX_FILE_BYTES} are read`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (optional && errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `configuration ${path}`);
  }
}

function parseToml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The library's message goes on with a picture of the lines around; a file may hold what is nobody's business.
    const [reason] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new ShoalError('usage', `${path}:${error.line}:${error.column}: no valid TOML: ${reason}`);
  }
}

function refusal(issue: z.core.$ZodIssue, document: unknown, where: (path: readonly PropertyKey[]) => string): string {
  if (issue.code === 'unrecognized_keys') {
    const wrong = issue.keys[0] ?? '';
    const known = issue.path.length === 0 ? [...CONFIG_KEYS, 'registry'] : Object.keys(REGISTRY_KEYS);
    const path = [...issue.path, wrong];
    return `${where(path)}: unknown key ${nameOf(path)}; ${didYouMean(wrong, known)}`;
  }
  // An array's element is shown with its array's name.
  const path = issue.path[0] === 'registry' ? issue.path.slice(0, 3) : issue.path.slice(0, 1);
  return `${where(path)}: ${nameOf(path)} = ${shown(valueAt(document, path))}: expected ${expectedAt(path)}`;
}

function expectedAt(path: readonly PropertyKey[]): string {
  const [first, , third] = path;
  const table: Readonly<Record<string, { readonly expected: string }>> = first === 'registry' ? REGISTRY_KEYS : KEYS;
  return table[String(first === 'registry' ? third : first)]?.expected ?? 'a table, [registry."HOST"]';
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(part => (/^[\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(part))).join('.');
}

/** Long enough to recognise a value, short enough for a line. */
const SHOWN_CHARS = 200;

/** A wrong value as a message shows it; what stands before an @ may be a password. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? '';
  return text.replace(/[^/"\s]*@/g, '…@').slice(0, SHOWN_CHARS);
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
    document,
  );
}

/**
 * The line on which a key's value ends. The parser does not tell, but it can be asked: the first piece of the file, cut
 * at the end of a line, that has the key. Pieces that end within a value are no valid TOML and are passed over.
 */
function lineOf(text: string, path: readonly PropertyKey[]): number | undefined {
  const lines = text.split('\n');
  for (let count = 1; count <= lines.length; count++) {
    try {
      if (valueAt(parse(lines.slice(0, count).join('\n')), path) !== undefined) return count;
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
    }
  }
  return undefined;
}
