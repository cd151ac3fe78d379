// bin/shoal on machines whose own Node is too old, or missing: the one that npm brought along runs the sources.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { VERSION } from '../../cli/version.ts';
import { OLD_NODE } from '../support/old-node.ts';

const run = promisify(execFile);
const SHOAL = resolve(import.meta.dirname, '../../bin/shoal');
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('runs with an old Node first on the PATH', async t => {
  const directory = await makeDirectory(t);
  await writeFile(join(directory, 'node'), OLD_NODE, { mode: 0o755 });
  const { stdout } = await run(SHOAL, ['--version'], { env: { PATH: `${directory}:${SYSTEM_PATH}` } });
  assert.equal(stdout.trim(), VERSION);
});

test('runs through a symbolic link, as npm installs commands, from any directory', async t => {
  const directory = await makeDirectory(t);
  await symlink(SHOAL, join(directory, 'shoal'));
  const { stdout } = await run('./shoal', ['--version'], { cwd: directory });
  assert.equal(stdout.trim(), VERSION);
});

test("options that Node knows, too, are the command's or the program's in the image, not Node's", async () => {
  const command = ['config', '--env-file', '/no/such/file'];
  await assert.rejects(run(SHOAL, command), { code: 64, stderr: /unknown option '--env-file'/ });
});
