// Archives as real tools write them, read and compared with the files that went in.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { splitPath } from '../../../converter/entry-path.ts';
import { type ReadEntry, readArchive } from './read-archive.ts';

const LONG = `${'long-directory-name-'.repeat(6)}/${'long-file-name-'.repeat(8)}`;
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');

/** A directory with one of everything that the format can say. Removed after the test. */
function makeFiles(t: TestContext, options: { readonly longNames: boolean; readonly onlyUtf8?: boolean }): string {
  const root = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'dir'), { mode: 0o1777 });
  writeFileSync(join(root, 'dir/file'), 'content', { mode: 0o640 });
  writeFileSync(join(root, 'empty'), '');
  if (!options.onlyUtf8) writeFileSync(Buffer.from(`${root}/caf\xe9`, 'latin1'), 'latin1 name');
  linkSync(join(root, 'dir/file'), join(root, 'link'));
  symlinkSync('dir/file', join(root, 'symlink'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  execFileSync('mknod', [join(root, 'device'), 'c', '1', '7']);
  utimesSync(join(root, 'empty'), 1_600_000_000.25, 1_600_000_000.25);
  if (options.longNames) {
    mkdirSync(join(root, LONG, '..'), { recursive: true });
    writeFileSync(join(root, LONG), 'long');
    symlinkSync('t'.repeat(300), join(root, 'long-target'));
  }
  return root;
}

/** A sparse file with more data ranges than fit into one header. */
function makeSparse(root: string): void {
  const path = join(root, 'sparse');
  writeFileSync(path, '');
  truncateSync(path, 8 << 20);
  for (let i = 0; i < 30; i++) {
    const offset = i * 49 * 4096;
    writeAt(path, offset, `range ${i}`);
  }
}

function writeAt(path: string, offset: number, text: string): void {
  execFileSync('dd', [`of=${path}`, 'bs=1', `seek=${offset}`, 'conv=notrunc', 'status=none'], { input: text });
}

function archiveOf(tool: string, args: readonly string[], root: string): Buffer {
  return execFileSync(tool, [...args, '-cf', '-', '-C', root, '.'], { maxBuffer: 1 << 28 });
}

/** Compares entries with the files in `root`; `exactTimes` says whether the format keeps nanoseconds. */
function compare(entries: readonly ReadEntry[], root: string, exactTimes: boolean): void {
  const byPath = new Map(entries.map(entry => [splitPath(entry.path).join('/'), entry]));
  for (const [path, entry] of byPath) {
    const host = Buffer.from(`${root}/${path}`, 'latin1');
    const stat = lstatSync(host, { bigint: true });
    const what = `${path}: `;
    assert.equal(entry.mode, Number(stat.mode) & 0o7777, `${what}mode`);
    assert.equal(entry.mtimeSeconds, Number(stat.mtimeNs / 1_000_000_000n), `${what}mtime`);
    if (exactTimes) assert.equal(entry.mtimeNanoseconds, Number(stat.mtimeNs % 1_000_000_000n), `${what}mtime`);
    if (entry.kind === 'file') assert.ok(entry.content.equals(readFileSync(host)), `${what}content`);
    if (entry.kind === 'hardlink') {
      const target = lstatSync(Buffer.from(`${root}/${entry.target}`, 'latin1'), { bigint: true });
      assert.equal(target.ino, stat.ino, `${what}target`);
    }
    assert.equal(entry.kind === 'directory', stat.isDirectory(), `${what}type`);
    assert.equal(entry.kind === 'fifo', stat.isFIFO(), `${what}type`);
    if (entry.kind === 'char') assert.deepEqual([entry.major, entry.minor], [1, 7]);
  }
  const found = execFileSync('find', [root, '-printf', '.'], { encoding: 'utf8' }).length;
  assert.equal(byPath.size, found, 'number of entries');
}

const FORMATS: readonly (readonly [string, { readonly longNames: boolean; readonly exactTimes: boolean }])[] = [
  ['v7', { longNames: false, exactTimes: false }],
  ['oldgnu', { longNames: true, exactTimes: false }],
  ['gnu', { longNames: true, exactTimes: false }],
  ['ustar', { longNames: false, exactTimes: false }],
  ['posix', { longNames: true, exactTimes: true }],
];

for (const [format, options] of FORMATS) {
  test(`reads what GNU tar writes in format ${format}`, t => {
    const root = makeFiles(t, options);
    // v7 knows neither devices nor fifos.
    if (format === 'v7') for (const name of ['fifo', 'device']) rmSync(join(root, name));
    const archive = archiveOf('tar', [`--format=${format}`], root);
    compare(readArchive(archive, { pieceSize: 1000 }), root, options.exactTimes);
  });
}

const SPARSE_FORMATS = [
  ['--format=gnu'],
  ['--format=oldgnu'],
  ...['0.0', '0.1', '1.0'].map(version => ['--format=posix', `--sparse-version=${version}`]),
];

for (const args of SPARSE_FORMATS) {
  test(`reads what GNU tar writes with --sparse ${args.join(' ')}`, t => {
    const root = makeFiles(t, { longNames: true });
    makeSparse(root);
    const archive = archiveOf('tar', ['--sparse', ...args], root);
    assert.ok(archive.length < 4 << 20, 'the file is stored sparse');
    compare(readArchive(archive, { pieceSize: 1000 }), root, args[0] === '--format=posix');
  });
}

test('reads extended attributes as GNU tar writes them', t => {
  const root = makeFiles(t, { longNames: false });
  const file = join(root, 'dir/file');
  execFileSync('setfattr', ['-n', 'security.capability', '-v', `0x${CAPABILITY.toString('hex')}`, file]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'with = and \\012 newline', file]);
  const entries = readArchive(archiveOf('tar', ['--format=posix', '--xattrs', '--xattrs-include=*'], root));
  // The file has two names; whichever comes first carries the attributes.
  const entry = entries.find(({ xattrs }) => xattrs?.has('security.capability'));
  assert.deepEqual(Buffer.from(entry?.xattrs?.get('security.capability') ?? []), CAPABILITY);
  assert.ok(entry?.xattrs?.has('user.note'));
});

/** Tools that a machine may or may not have. */
const isInstalled = (tool: string) => spawnSync(tool, ['--version']).status === 0;

const FOREIGN_WRITERS: readonly (readonly [string, readonly string[]])[] = [
  ['bsdtar', ['--format=pax']],
  ['bsdtar', ['--format=ustar']],
  ['bsdtar', ['--format=gnutar']],
];

for (const [tool, args] of FOREIGN_WRITERS.filter(([name]) => isInstalled(name))) {
  test(`reads what ${tool} writes with ${args.join(' ')}`, t => {
    const root = makeFiles(t, { longNames: args[0] !== '--format=ustar' });
    compare(readArchive(archiveOf(tool, args, root)), root, false);
  });
}

for (const format of isInstalled('python3') ? ['GNU', 'PAX', 'USTAR'] : []) {
  test(`reads what Python's tarfile writes in format ${format}`, t => {
    // Python has its own ideas of names that are not UTF-8, and its times are floating-point numbers.
    const root = makeFiles(t, { longNames: format !== 'USTAR', onlyUtf8: true });
    const script = `import sys, tarfile
archive = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.${format}_FORMAT)
archive.add(sys.argv[1], arcname='.')
archive.close()`;
    const archive = execFileSync('python3', ['-c', script, root], { maxBuffer: 1 << 26 });
    compare(readArchive(archive), root, false);
  });
}
