// Completion in the shells themselves: they load our script, somebody presses TAB, and the line must grow.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { buildImage } from '../support/image-builder.ts';
import { missing } from '../support/missing.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';

const run = promisify(execFile);

/**
 * Runs a shell on a terminal: types each line, waits until its answer contains what is expected of it, and goes on.
 * Prints everything that the terminal showed; fails when something does not come.
 */
const TERMINAL = `
import json, os, pty, re, select, sys, time
shell, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', COLUMNS='200', PS1='READY> ', HISTFILE='/dev/null')
    os.execvp(shell[0], shell)
shown = ''
for typed, expected in steps:
    os.write(terminal, typed.encode())
    start, deadline = len(shown), time.time() + 60
    while not re.search(expected, shown[start:]):
        if time.time() > deadline or not select.select([terminal], [], [], 60)[0]:
            sys.exit('no ' + expected + ' after ' + repr(typed) + ' in ' + repr(shown))
        shown += os.read(terminal, 65536).decode(errors='replace')
os.write(terminal, b'\\x15exit\\n')
print(shown)
`;

/** A directory with a program `shoal`, to be put on the PATH. */
async function programFolder(shoal: Shoal): Promise<string> {
  const folder = join(shoal.scratch, 'bin');
  await mkdir(folder);
  const program = join(folder, 'shoal');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(program, 0o755);
  return folder;
}

type Step = readonly [typed: string, expected: string];

async function type(t: TestContext, shell: readonly string[], steps: readonly Step[]): Promise<Shoal> {
  const shoal = await makeShoal(t);
  await typeIn(shoal, shell, steps);
  return shoal;
}

async function typeIn(shoal: Shoal, shell: readonly string[], steps: readonly Step[]): Promise<void> {
  const folder = await programFolder(shoal);
  await mkdir(join(shoal.scratch, 'layout-of-mine'));
  await run('python3', ['-c', TERMINAL, JSON.stringify(shell), JSON.stringify(steps)], {
    cwd: shoal.scratch,
    env: { ...process.env, SHOAL_ROOT: shoal.root, PATH: `${folder}:${process.env['PATH']}` },
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
}

suite('completion', { timeout: 300_000 }, () => {
  const bash = ['bash', '--norc', '--noprofile', '-i'];
  const load: Step = ['source <(shoal completion bash) && echo loa""ded\n', 'loaded'];

  test('bash completes commands, options, values and files, also when the script is loaded twice', async t => {
    await type(t, bash, [
      load,
      load,
      ['shoal insp\t', 'inspect '],
      ['--plat\t', '--platform '],
      ['\x15shoal --log-level wa\t', 'warn '],
      ['\x15shoal --log-level=tr\t', 'trace '],
      ['\x15shoal inspect oci:./layout-of\t', 'oci:./layout-of-mine'],
      ['\x15shoal unpack image ./layout-of\t', './layout-of-mine'],
    ]);
  });

  test('bash executes nothing of what is typed when TAB is pressed', async t => {
    const shoal = await type(t, bash, [
      load,
      ['shoal convert "$(touch executed)" --plat\t', '--platform '],
      ['\x15ls\n', 'layout-of-mine'],
    ]);
    await assert.rejects(run('ls', [join(shoal.scratch, 'executed')]));
  });

  test('bash offers what is mounted to umount', async t => {
    const shoal = await makeShoal(t);
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), {
      layers: [{ tar: [{ path: 'f', content: 'x' }] }],
    });
    const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
    await shoal.ok('convert', reference, converted);
    const mountpoint = join(shoal.scratch, 'a mountpoint');
    await mkdir(mountpoint);
    await shoal.ok('mount', converted, mountpoint);
    await typeIn(shoal, bash, [load, ['shoal umount \t', 'a\\\\ mountpoint ']]);
  });

  test('zsh completes commands, options and values', { skip: missing('zsh', 'python3') }, async t => {
    await type(
      t,
      ['zsh', '-f', '-i'],
      [
        ['autoload -U compinit && compinit -u -D && source <(shoal completion zsh) && echo loa""ded\n', 'loaded'],
        ['shoal insp\t', 'inspect '],
        ['--platf\t', '--platform '],
        ['\x15shoal --log-level wa\t', 'warn '],
      ],
    );
  });

  test('fish completes commands, options, values and files', { skip: missing('fish') }, async t => {
    const shoal = await makeShoal(t);
    const folder = await programFolder(shoal);
    await writeFile(join(shoal.scratch, 'layout-of-mine'), '');
    const ask = async (line: string) => {
      const program = `shoal completion fish | source; complete -C ${JSON.stringify(line)}`;
      const env = { ...process.env, HOME: shoal.scratch, PATH: `${folder}:${process.env['PATH']}` };
      return (await run('fish', ['--no-config', '-c', program], { cwd: shoal.scratch, env })).stdout;
    };
    assert.match(await ask('shoal insp'), /^inspect\ttell what an image/m);
    assert.match(await ask('shoal inspect --platf'), /^--platform\t/m);
    assert.match(await ask('shoal --log-level wa'), /^warn/m);
    assert.match(await ask('shoal check layout-of'), /^layout-of-mine/m);
  });
});
