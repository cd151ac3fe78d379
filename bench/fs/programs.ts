// The C programs of the bench, compiled where it runs.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Programs {
  readonly load: string;
  readonly plainfs: string;
  readonly mountFile: string;
}

/** Everything that has to be there, and the Debian package that brings it. */
const NEEDED: readonly (readonly [command: string, args: readonly string[], debian: string])[] = [
  ['gcc', ['--version'], 'gcc libc6-dev'],
  ['pkg-config', ['--exists', 'fuse3 >= 3.12'], 'pkg-config libfuse3-dev'],
  ['tar', ['--version'], 'tar'],
  ['umoci', ['--version'], 'umoci'],
  ['mkfs.erofs', ['--help'], 'erofs-utils'],
];

/** What is missing, as a command that installs it; undefined when nothing is. */
export async function missingPackages(): Promise<string | undefined> {
  const missing: string[] = [];
  for (const [command, args, debian] of NEEDED) {
    await run(command, [...args]).catch(() => missing.push(debian));
  }
  return missing.length === 0 ? undefined : `apt-get install ${missing.join(' ')}`;
}

export async function compilePrograms(directory: string): Promise<Programs> {
  const flags = async (kind: string) => (await run('pkg-config', [kind, 'fuse3'])).stdout.trim().split(/\s+/);
  const compile = async (name: string, before: readonly string[], after: readonly string[]) => {
    const program = join(directory, name);
    const source = join(import.meta.dirname, `${name}.c`);
    await run('gcc', ['-O2', '-Wall', '-pthread', ...before, '-o', program, source, ...after]);
    return program;
  };
  return {
    load: await compile('load', [], []),
    mountFile: await compile('mount-file', [], []),
    plainfs: await compile('plainfs', await flags('--cflags'), await flags('--libs')),
  };
}
