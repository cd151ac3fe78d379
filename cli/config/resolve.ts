// From flags, environment and file to one set of values: flag before environment before file before default. Every value
// is checked by the same schema wherever it comes from, and knows where it came from.

import { resolve } from 'node:path';
import { ShoalError } from '../../core/index.ts';
import type { RegistryHostSettings } from '../../registry/index.ts';
import { CREDENTIAL_VARIABLES } from '../credentials.ts';
import { type LoadedFile, loadConfigFile, shown } from './file.ts';
import { CONFIG_FILE, CONFIG_KEYS, type ConfigKey, configSchema, KEYS, type KeyDefinition } from './keys.ts';
import { didYouMean } from './suggestion.ts';

type Value = string | number | boolean | readonly string[];
export type ConfigValues = Omit<ReturnType<typeof configSchema.parse>, 'registry'>;

export interface ResolvedConfig {
  readonly values: ConfigValues;
  readonly registries: Readonly<Record<string, RegistryHostSettings>>;
  /** Absent: the default file, which is not there. */
  readonly file?: LoadedFile;
  /** For a key or a registry's host: `default`, `--root`, `SHOAL_ROOT`, or the file. */
  readonly origin: (key: ConfigKey) => string;
}

/** `flags` by key, as they were typed. Throws `usage` for a wrong value, an unknown key or variable; `not-found`. */
export function resolveConfig(
  flags: Readonly<Partial<Record<ConfigKey | 'config', string>>>,
  env: Readonly<Record<string, string | undefined>>,
): ResolvedConfig {
  refuseUnknownVariables(env);
  const named = flags.config ?? nonEmpty(env[CONFIG_FILE.env]);
  const file = loadConfigFile(resolve(named ?? CONFIG_FILE.fallback), { optional: named === undefined });
  const values: Partial<Record<ConfigKey, Value>> = {};
  const origins = new Map<ConfigKey, string>();
  for (const key of CONFIG_KEYS) {
    const found = find(key, flags, env, file);
    if (found === undefined) continue;
    values[key] = found.value;
    origins.set(key, found.origin);
  }
  return {
    values: configSchema.omit({ registry: true }).parse(values),
    registries: file?.registries ?? {},
    ...(file && { file }),
    origin: key => origins.get(key) ?? 'default',
  };
}

function find(
  key: ConfigKey,
  flags: Readonly<Partial<Record<ConfigKey, string>>>,
  env: Readonly<Record<string, string | undefined>>,
  file: LoadedFile | undefined,
): { readonly value: Value; readonly origin: string } | undefined {
  const definition = KEYS[key];
  const flag = flags[key];
  if (flag !== undefined) {
    const name = definition.flag ?? key;
    return { value: fromText(key, flag, name), origin: name };
  }
  const variable = nonEmpty(env[definition.env]);
  if (variable !== undefined) return { value: fromText(key, variable, definition.env), origin: definition.env };
  const inFile = file?.values[key];
  if (file !== undefined && inFile !== undefined) return { value: inFile, origin: file.where([key]) };
  const fallback = definition.derive?.(env) ?? definition.fallback;
  return fallback === undefined ? undefined : { value: fallback, origin: 'default' };
}

/**
 * A flag's or a variable's text as the file would say it: paths may be relative here, numbers are in decimal, what a list
 * holds has commas between.
 */
function fromText(key: ConfigKey, text: string, origin: string): Value {
  const { kind, expected } = KEYS[key];
  const value = READ[kind](text);
  if (configSchema.shape[key].safeParse(value).success) return value;
  throw new ShoalError('usage', `${origin} ${shown(text)}: expected ${expected}`);
}

/** What is not of its kind stays text, which the schema refuses. */
const READ: Readonly<Record<KeyDefinition['kind'], (text: string) => Value>> = {
  text: text => text,
  // `--root "$UNSET"` does not mean the working directory.
  path: text => (text === '' ? text : resolve(text)),
  number: text => (/^\d{1,15}$/.test(text) ? Number(text) : text),
  boolean: text => (text === 'true' || text === 'false' ? text === 'true' : text),
  list: text => text.split(',').map(part => part.trim()),
};

/** A variable that is set to nothing is one that is not set. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Kubernetes tells containers about a service named `shoal-…` in variables of these forms. */
const SERVICE_VARIABLE = /_(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT(?:_.*)?)$/;

function refuseUnknownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const known = [CONFIG_FILE.env, ...CONFIG_KEYS.map(key => KEYS[key].env), ...CREDENTIAL_VARIABLES];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('SHOAL_') || known.includes(name) || SERVICE_VARIABLE.test(name)) continue;
    throw new ShoalError('usage', `unknown variable ${name}; ${didYouMean(name, known)}`);
  }
}
