// What a place looks like, as lines of text that can be compared: files, mounts, processes, the root directory, a
// registry. Reads no mount: what is mounted is only listed, since a dead mount can hang whoever looks into it.

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../fake-blob.ts';
import type { MemoryRegistry } from '../memory-registry.ts';

export interface Snapshot {
  readonly files: ReadonlyMap<string, string>;
  /** What should never be in a root directory while nothing is mounted. */
  readonly root: readonly string[];
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly registry: readonly string[];
}

/** One line for everything that differs. */
export function difference(before: Snapshot, after: Snapshot): string[] {
  const lines: string[] = [];
  for (const path of new Set([...before.files.keys(), ...after.files.keys()])) {
    const [was, is] = [before.files.get(path), after.files.get(path)];
    if (was === is) continue;
    lines.push(was === undefined ? `new file ${path}` : `${is === undefined ? 'missing' : 'changed'} file ${path}`);
  }
  for (const part of ['root', 'mounts', 'processes', 'registry'] as const) {
    const known = new Set(before[part]);
    const still = new Set(after[part]);
    lines.push(...after[part].filter(line => !known.has(line)).map(line => `new: ${line}`));
    lines.push(...before[part].filter(line => !still.has(line)).map(line => `missing: ${line}`));
  }
  return lines.sort();
}

/** Path below `base` to kind, mode and content of everything but `except` and what is mounted. */
export async function filesOf(base: string, except: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const mounted = new Set(mountsOf(base).map(line => line.split(' ')[1]));
  const pending = [base];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      if (path === except) continue;
      if (mounted.has(path)) {
        found.set(path.slice(base.length + 1), 'mount');
        continue;
      }
      const { mode, size } = await lstat(path);
      const kind = mode & 0o170000;
      const content =
        kind === 0o100000 ? digest(await readFile(path)) : kind === 0o120000 ? await readlink(path) : kind.toString(8);
      found.set(path.slice(base.length + 1), `${mode.toString(8)} ${kind === 0o040000 ? '' : size} ${content}`);
      if (kind === 0o040000) pending.push(path);
    }
  }
  return found;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Lines of the mount table below `base`: type, mountpoint, source. */
export function mountsOf(base: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines
    .map(line => line.split(' '))
    .filter(fields => fields[4]?.startsWith(`${base}/`))
    .map(fields => {
      const dash = fields.indexOf('-', 6);
      return `${fields[dash + 1]} ${fields[4]} ${fields[dash + 2]}`;
    });
}

/** Running processes whose environment names `base`: every command of the place and whatever it started. */
export function processesOf(base: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(pid => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${base}/`)) return [];
        if (/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()}`];
      } catch {
        return []; // it ended, or is the kernel's
      }
    });
}

/** Names that a root keeps for its next daemon. */
const KEPT = new Set(['lock', 'version', 'state.json', 'daemon.log', 'cache', 'mounts', 'containers', 'runc']);
/** Of these nothing may be in it while nothing is mounted. */
const EMPTY = ['mounts', 'containers', 'runc'];

/** What is in a root directory beside its version, lock, log and cache. */
export function rootLeftovers(root: string): string[] {
  const names = namesIn(root);
  const lines = names.filter(name => !KEPT.has(name)).map(name => `root/${name}${targetOf(join(root, name))}`);
  for (const folder of EMPTY) lines.push(...namesIn(join(root, folder)).map(name => `root/${folder}/${name}`));
  lines.push(
    ...namesIn(join(root, 'cache'))
      .filter(name => !/\.(data|map)$/.test(name))
      .map(name => `root/cache/${name}`),
  );
  const state = names.includes('state.json') ? readFileSync(join(root, 'state.json'), 'utf8') : '{"mounts":[]}';
  const { mounts } = JSON.parse(state) as { mounts: { mountpoint: string }[] };
  return [...lines, ...mounts.map(({ mountpoint }) => `recorded mount ${mountpoint}`)];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or no directory
  }
}

function targetOf(path: string): string {
  return lstatSync(path).isSymbolicLink() ? ` -> ${readlinkSync(path)}` : '';
}

/** Tags, manifests, blobs and unfinished uploads. A blob that is not what its digest says is told as such. */
export function registryState(registry: MemoryRegistry): string[] {
  return [...registry.repositories].flatMap(([name, { tags, manifests, blobs, uploads }]) => [
    ...[...tags].map(([tag, digest_]) => `tag ${name}:${tag} ${digest_}`),
    ...[...manifests.keys()].map(digest_ => `manifest ${name}@${digest_}`),
    ...[...blobs].map(([digest_, bytes]) =>
      digest_ === `sha256:${sha256Hex(bytes)}`
        ? `whole blob ${name}@${digest_}`
        : `half-written blob ${name}@${digest_}`,
    ),
    ...[...uploads.keys()].map(id => `unfinished upload ${name} ${id}`),
  ]);
}
