// Standard output and error: what may come there, and when they take nothing more (no reader, a full disk).

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { buildImage } from '../support/image-builder.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

/** A device that answers every write with "no space left" (full(4)). */
async function fullDevice(t: TestContext): Promise<number> {
  const file = await open('/dev/full', 'w');
  t.after(() => file.close());
  return file.fd;
}

function start(
  t: TestContext,
  { root }: Shoal,
  args: string[],
  stdio: { out?: 'pipe' | number; err?: 'pipe' | number },
): ChildProcess {
  const { out = 'ignore', err = 'pipe' } = stdio;
  const child = spawn(process.execPath, [MAIN, '--root', root, ...args], { stdio: ['ignore', out, err] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', piece => {
    stderr += String(piece);
  });
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

suite('standard output and error', { timeout: 480_000 }, () => {
  test('a watch whose reader has gone ends, without a word', async t => {
    const child = start(t, await makeShoal(t), ['ps', '--watch', '1'], { out: 'pipe' });
    const end = ended(child);
    child.stdout?.once('data', () => child.stdout?.destroy());
    assert.deepEqual(await end, { code: 0, stderr: '' });
  });

  test('control characters of an image, in results and in errors, are shown and not sent to the terminal', async t => {
    const shoal = await makeShoal(t);
    const name = 'red\x1b[31m\r\x9b31m\nshoal: forged';
    const layers = [{ tar: [{ path: 'to', type: 'symlink', target: name }] }] as const;
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), { layers, history: [{ created_by: name }] });
    const told = await Promise.all([
      shoal.ok('inspect', reference, 'to'),
      shoal.ok('history', reference),
      shoal.run('inspect', reference, name.replace('\n', '')).then(({ stderr }) => stderr),
    ]);
    for (const text of told) {
      assert.match(text, /red\\x1b\[31m/);
      assert.doesNotMatch(text, /[^\P{Cc}\n]/u);
    }
    assert.doesNotMatch(told.join(''), /^shoal: forged/m);
  });

  test('a result that does not fit on the disk is an error that says so', async t => {
    const full = await fullDevice(t);
    const { code, stderr } = await ended(start(t, await makeShoal(t), ['config'], { out: full }));
    assert.equal(code, 73);
    assert.match(stderr, /^shoal: standard output: .*ENOSPC[^\n]*\n$/);
  });

  test('a daemon whose log can no longer be written goes on, and ends as if it were', async t => {
    const shoal = await makeShoal(t);
    const tar = [{ path: 'file', content: 'hello\n' }];
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), { tag: 'plain', layers: [{ tar }] });
    const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
    await shoal.ok('convert', reference, converted);
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);

    const end = ended(start(t, shoal, ['daemon'], { err: await fullDevice(t) }));
    await until(async () => (await shoal.run('metrics')).code === 0, 'the daemon answers');
    await shoal.ok('mount', converted, mountpoint);
    await shoal.ok('umount', mountpoint);
    await shoal.ok('daemon', 'stop');
    assert.equal((await end).code, 0);
  });
});
