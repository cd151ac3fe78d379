// The import table of docs/architecture.md, as a test: who may import whom, and which file may touch which library.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  image: ['core'],
  proto: ['core'],
  registry: ['core'],
  converter: ['core', 'image', 'registry'],
  daemon: ['core', 'image'],
  peer: ['core', 'proto'],
  scheduler: ['core', 'proto'],
  snapshotter: ['core', 'proto'],
  cli: ['core', 'image', 'proto', 'registry', 'converter', 'daemon', 'peer', 'scheduler', 'snapshotter'],
};

/** Third-party packages that only these places may import: each is a fence we may want to move one day. */
const FENCES: Readonly<Record<string, readonly string[]>> = {
  'prom-client': [
    'daemon/daemon-metrics.ts',
    'daemon/read-times.ts',
    'daemon/swarm-metrics.ts',
    'daemon/fetch/fetch-metrics.ts',
    'scheduler/server/metrics.ts',
  ],
  'smol-toml': ['cli/config/'],
  '@bomb.sh/tab': ['cli/'],
  fastify: ['daemon/control-api.ts', 'cli/demo/', 'scheduler/'],
  undici: ['registry/'],
  'tar-stream': ['converter/', 'registry/', 'cli/'],
  'lz4-napi': ['image/'],
  '@napi-rs/blake-hash': ['image/'],
  'fuse-native': ['daemon/fuse-native/binding.ts'],
  'fuse-shared-library': ['daemon/fuse-native/binding.ts'],
  commander: ['cli/'],
  pino: ['cli/'],
  'cli-progress': ['cli/'],
  'cli-table3': ['cli/'],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

/** None for a folder that is still to come. */
function sourceFiles(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s*'([^']+)'/g;
  return [...text.matchAll(pattern)].map(match => ({ file, specifier: match[1] ?? match[2] ?? match[3] ?? '' }));
}

function topFolder(path: string): string {
  return path.split(sep)[0] ?? '';
}

const sources = Object.keys(MAY_IMPORT).flatMap(sourceFiles);
const imports = sources.flatMap(importsOf);

test('the scan sees the sources and their imports', () => {
  assert.ok(sources.length > 30, `only ${sources.length} source files found`);
  assert.ok(imports.length > 100, `only ${imports.length} imports found`);
});

test('a folder imports only the folders that the table allows, and only through their index.ts', () => {
  const wrong: string[] = [];
  for (const { file, specifier } of imports) {
    if (!specifier.startsWith('.')) continue;
    const target = relative(ROOT, resolve(ROOT, dirname(file), specifier));
    const [from, to] = [topFolder(file), topFolder(target)];
    if (from === to) {
      if (target === join(to, 'index.ts')) wrong.push(`${file} imports its own folder's index.ts`);
      continue;
    }
    if (!MAY_IMPORT[from]?.includes(to)) wrong.push(`${file} imports ${target}: ${from} may not import ${to}`);
    else if (target !== join(to, 'index.ts')) wrong.push(`${file} imports ${target} instead of ${to}/index.ts`);
  }
  assert.deepEqual(wrong, []);
});

test('fenced libraries are imported only where the fence allows', () => {
  const wrong = imports
    .filter(({ specifier }) => specifier in FENCES)
    .filter(({ file, specifier }) => !FENCES[specifier]?.some(place => file === place || file.startsWith(place)))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('core imports no package and no I/O module', () => {
  const wrong = imports
    .filter(({ file, specifier }) => topFolder(file) === 'core' && !specifier.startsWith('./'))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('only the command line reads the environment and the argument list, and only cli/main.ts exits', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    if (topFolder(file) !== 'cli' && /process\.(env|argv)\b/.test(text))
      wrong.push(`${file} reads process.env or argv`);
    if (file !== join('cli', 'main.ts') && /process\.exit\(/.test(text)) wrong.push(`${file} calls process.exit`);
  }
  assert.deepEqual(wrong, []);
});

test('every number that decides something comes through the clock port, not from Date.now or Math.random', () => {
  const wrong = sources
    .filter(file => file !== join('core', 'clock.ts'))
    .filter(file => /\b(Date\.now|Math\.random)\(/.test(readFileSync(join(ROOT, file), 'utf8')));
  assert.deepEqual(wrong, []);
});
