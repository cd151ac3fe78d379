// Directories for temporary files: a conversion's own is gone with it, a dead one's with the next, a living one's stays.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WorkDirectory } from '../../../converter/work-directory.ts';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A process that makes a directory, puts a file into it, and is killed. */
function die(directory: string): void {
  const script = `
    const { WorkDirectory } = await import(${JSON.stringify(join(import.meta.dirname, '../../../converter/work-directory.ts'))});
    const made = await WorkDirectory.make(process.argv[1]);
    (await import('node:fs')).writeFileSync(made.path + '/blob-0', 'half a blob');
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script, directory]);
  assert.equal(signal, 'SIGKILL');
}

test('a directory goes with its conversion', async t => {
  const base = scratch(t);
  const made = await WorkDirectory.make(base);
  writeFileSync(join(made.path, 'blob-0'), 'x');
  await made[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(base), []);
});

test('the directory of a killed conversion goes with the next one, that of a living one stays', async t => {
  const base = scratch(t);
  await using living = await WorkDirectory.make(base);
  die(base);
  assert.equal(readdirSync(base).length, 2);
  await using next = await WorkDirectory.make(base);
  assert.deepEqual(new Set(readdirSync(base).map(name => join(base, name))), new Set([living.path, next.path]));
});

test('a directory that somebody else may have filled is left alone, and one without a socket, too', async t => {
  const base = scratch(t);
  const [open, silent] = [join(base, 'shoal-convert-open'), join(base, 'shoal-convert-silent')];
  die(base);
  const [dead = ''] = readdirSync(base);
  mkdirSync(silent, { mode: 0o700 });
  mkdirSync(open, { mode: 0o777 });
  spawnSync('chmod', ['777', open, join(base, dead)]);
  await using made = await WorkDirectory.make(base);
  for (const path of [open, silent, join(base, dead), made.path]) assert.ok(existsSync(path), path);
});

test('a directory that cannot be made says which and why', async t => {
  const missing = join(scratch(t), 'missing');
  await assert.rejects(WorkDirectory.make(missing), { code: 'not-found', message: /missing: ENOENT/ });
});
