// What a container shall run, from the image's config and the command line. Pure, except for `userOf`, which reads the
// account files through a reader function.

import { ShoalError } from '../../core/index.ts';

/** The part of an OCI image config that decides how a container runs. */
export interface RuntimeConfig {
  readonly Entrypoint?: readonly string[] | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly Env?: readonly string[] | null | undefined;
  readonly WorkingDir?: string | null | undefined;
  readonly User?: string | null | undefined;
}

export interface Process {
  readonly args: readonly string[];
  /** `KEY=value`, each key once. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly cwd: string;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** docker's rule: the command line replaces Cmd and stays behind Entrypoint. */
export function processOf(config: RuntimeConfig, command: readonly string[], extraEnv: readonly string[]): Process {
  const args = [...(config.Entrypoint ?? []), ...(command.length > 0 ? command : (config.Cmd ?? []))];
  if (args.length === 0) {
    throw new ShoalError('usage', 'the image names no command to run; give one behind the reference');
  }
  const cwd = config.WorkingDir || '/';
  if (!cwd.startsWith('/')) throw new ShoalError('malformed', `the image's working directory ${cwd} is not absolute`);
  return { args, env: mergeEnv(config.Env ?? [], extraEnv), cwd };
}

function mergeEnv(image: readonly string[], extra: readonly string[]): string[] {
  const merged = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  for (const entry of [...image, ...extra]) {
    const split = entry.indexOf('=');
    if (split <= 0) throw new ShoalError('usage', `environment ${JSON.stringify(entry)}: expected NAME=VALUE`);
    merged.set(entry.slice(0, split), entry.slice(split + 1));
  }
  return [...merged].map(([name, value]) => `${name}=${value}`);
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** Reads a file of the image by absolute path; undefined when there is none. */
export type ReadImageFile = (path: string) => Promise<string | undefined>;

/** Resolves `user[:group]`, names or numbers, by the image's own account files; the empty string is root. */
export async function userOf(spec: string, read: ReadImageFile): Promise<User> {
  const [name = '', groupName] = spec.split(':');
  const accounts = parseColonFile((await read('/etc/passwd')) ?? '');
  const groups = parseColonFile((await read('/etc/group')) ?? '');
  const account = accounts.find(fields => (isNumber(name || '0') ? fields[2] === (name || '0') : fields[0] === name));
  if (!account && !isNumber(name || '0')) {
    throw new ShoalError('not-found', `user ${JSON.stringify(name)} is not in the image's /etc/passwd`);
  }
  const uid = Number(account?.[2] ?? (name || '0'));
  const gid = groupName === undefined ? Number(account?.[3] ?? 0) : gidOf(groupName, groups);
  // An explicit group replaces the account's own list, as docker does.
  const additionalGids =
    groupName === undefined && account
      ? groups
          .filter(fields => (fields[3] ?? '').split(',').includes(account[0] ?? ''))
          .map(fields => Number(fields[2]))
      : [];
  return { uid, gid, additionalGids, home: account?.[5] || '/' };
}

function gidOf(name: string, groups: readonly (readonly string[])[]): number {
  if (isNumber(name)) return Number(name);
  const group = groups.find(fields => fields[0] === name);
  if (!group) throw new ShoalError('not-found', `group ${JSON.stringify(name)} is not in the image's /etc/group`);
  return Number(group[2]);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function parseColonFile(text: string): string[][] {
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(':'));
}
