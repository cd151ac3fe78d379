// The commands that look: doctor, config, ps, metrics, inspect, history, on real images, mounts and machines.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { buildImage } from '../support/image-builder.ts';
import { buildLayeredImage } from '../support/layered-image.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';

const run = promisify(execFile);

interface Report {
  readonly findings: readonly { name: string; verdict: string; found: string; todo?: string; limits?: string[] }[];
  readonly workingDrivers: readonly string[];
}

suite('looking', { timeout: 300_000 }, () => {
  test('doctor says that images can be mounted where they can, and leaves nothing', async t => {
    const shoal = await makeShoal(t);
    const report = (await shoal.json('doctor')) as Report;
    assert.ok(report.workingDrivers.includes('fuse'), JSON.stringify(report.findings));
    const verdicts = new Map(report.findings.map(({ name, verdict }) => [name, verdict]));
    assert.equal(verdicts.get('file system'), 'ok');
    assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), /shoal:doctor/);
    assert.match(await shoal.ok('doctor'), /^Images can be mounted by: .*fuse/m);
  });

  test('doctor without the right to mount says so, what to do, and ends with 67', async t => {
    const shoal = await makeShoal(t);
    const args = ['--bounding-set', '-sys_admin', '--', process.execPath, MAIN, '--root', shoal.root, 'doctor'];
    await assert.rejects(run('setpriv', args), (error: Error & { code?: number; stdout?: string; stderr?: string }) => {
      assert.equal(error.code, 67, error.stderr);
      assert.match(error.stderr ?? '', /no driver can mount images here/);
      assert.match(error.stdout ?? '', /warn +user +root without CAP_SYS_ADMIN[^\n]*\n[^\n]*→ .*--cap-add SYS_ADMIN/);
      assert.match(error.stdout ?? '', /fail +fuse +.*not permitted/);
      return true;
    });
  });

  test('doctor tells a wrong configuration and looks at everything else', async t => {
    const shoal = await makeShoal(t, { SHOAL_ROOTT: 'x' });
    const result = await shoal.run('doctor');
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /fail +configuration +unknown variable SHOAL_ROOTT; did you mean SHOAL_ROOT\?/);
    assert.match(result.stdout, /Images can be mounted by: fuse/);
  });

  test('a daemon that mount starts has the same settings; ps, metrics and doctor tell about it', async t => {
    const shoal = await makeShoal(t, { DOCKER_CONFIG: 'docker' });
    const tar = [{ path: 'file', content: 'hello\n' }];
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), { layers: [{ tar }] });
    const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
    await shoal.ok('convert', reference, converted);
    const config = join(shoal.scratch, 'shoal.toml');
    await writeFile(config, 'serve-workers = 2\n[registry."registry.example"]\nplain-http = true\n');
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);
    await shoal.ok('--config', config, '--log-format', 'pretty', 'mount', converted, mountpoint);
    assert.equal(await readFile(join(mountpoint, 'file'), 'utf8'), 'hello\n');

    const { pid } = JSON.parse(await readDaemonInfo(join(shoal.root, 'control.sock')));
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    assert.equal(commandLine[commandLine.indexOf('--config') + 1], config);
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    assert.ok(
      environment.includes(`DOCKER_CONFIG=${resolve('docker')}`),
      'what is relative here is not in its directory',
    );
    assert.match(
      await readFile(join(shoal.root, 'daemon.log'), 'utf8'),
      /^shoal: daemon is ready/m,
      'a log for people',
    );

    const [mount] = (await shoal.json('ps')) as {
      state: { name: string };
      stats: { hitRatio: number; fetchedBytes: number };
    }[];
    assert.ok(mount && mount.state.name === 'ready' && mount.stats.fetchedBytes > 0 && mount.stats.hitRatio < 1);
    const [, line = ''] = (await shoal.ok('ps')).split('\n');
    assert.match(
      line,
      /(?:fuse|erofs,file|erofs,loop) +ready \d+ s +\S+ .?B +[\d.]+ % +0 B +0 B +\S+ .?B +\S+ .?B\/s +\d+ \([\d.]+\/s\) +\d+ +[\d.]+ % +0/,
    );
    assert.match(await shoal.ok('metrics'), /^shoal_mounts\{driver="(?:fuse|erofs)"\} 1$/m);
    const report = (await shoal.json('doctor')) as Report;
    const daemon = report.findings.find(({ name }) => name === 'daemon');
    assert.match(daemon?.found ?? '', new RegExp(`^pid ${pid}, .* 1 mount$`));
    assert.match(daemon?.limits?.[0] ?? '', /mnt: driver (?:fuse|erofs,file|erofs,loop)/);
  });

  test('ps --watch looks again and again, and Ctrl-C ends it well', async t => {
    const shoal = await makeShoal(t);
    const child = spawn(process.execPath, [MAIN, '--root', shoal.root, 'ps', '--watch', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise(resolve => child.once('close', (code, signal) => resolve(code ?? signal)));
    let shown = '';
    for await (const piece of child.stdout) {
      shown += piece;
      if (shown === 'nothing is mounted\nnothing is mounted\n') child.kill('SIGINT');
    }
    assert.equal(await ended, 0);
    for (const wrong of ['0', '9999999']) assert.equal((await shoal.run('ps', '--watch', wrong)).code, 64);
  });

  test('config prints what is in effect and where it came from', async t => {
    const shoal = await makeShoal(t, { SHOAL_LOG_LEVEL: 'warn' });
    const config = join(shoal.scratch, 'shoal.toml');
    await writeFile(
      config,
      'log-level = "debug"\nread-deadline = 9\n[registry."a.example"]\nmirrors = ["b.example"]\n',
    );
    const { settings, registries } = (await shoal.json('--config', config, 'config')) as {
      settings: Record<string, unknown>;
      registries: unknown;
    };
    assert.deepEqual(settings['root'], { value: shoal.root, origin: '--root' });
    assert.deepEqual(settings['log-level'], { value: 'warn', origin: 'SHOAL_LOG_LEVEL' });
    assert.deepEqual(settings['read-deadline'], { value: 9, origin: `${config}:2` });
    assert.deepEqual(settings['driver'], { value: 'auto', origin: 'default' });
    assert.deepEqual(registries, { 'a.example': { mirrors: ['b.example'] } });
  });

  test('inspect prints an image, a path and its layer; refusals say why', async t => {
    const { shoal, original, converted } = await layeredImages(t);
    const [image, path, outside, wrong] = await Promise.all([
      shoal.ok('inspect', converted),
      shoal.ok('inspect', converted, '/data/copy', '--source', original),
      shoal.run('inspect', converted, '/etc/hostname'),
      shoal.run('inspect', converted, '--source', original),
    ]);
    assert.match(image, /^kind +accelerated$/m);
    assert.match(image, /^ +1 +sha256:[0-9a-f]{64} +\d+(\.\d)? .?B +1 +data +step 1 *$/m);
    assert.match(path, /^layer +2 of 3: sha256:[0-9a-f]{64} \(step 2\)$/m);
    assert.match(path, /^data in +1 of 3: sha256:[0-9a-f]{64} \(step 1\)$/m);
    assert.equal(outside.code, 66);
    assert.match(outside.stderr, /the image has no \/etc/);
    assert.equal(wrong.code, 64);
    assert.match(wrong.stderr, /name one/);
  });

  test('history lists the steps with what each made', async t => {
    const { shoal, original } = await layeredImages(t);
    const text = await shoal.ok('history', original);
    assert.match(text, /^\S+ +\d+ B +[0-9a-f]{12} +step 1 *$/m);
  });
});

async function layeredImages(t: TestContext): Promise<{ shoal: Shoal; original: string; converted: string }> {
  const shoal = await makeShoal(t);
  const { reference } = await buildLayeredImage(shoal.scratch);
  const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
  await shoal.ok('convert', reference, converted);
  return { shoal, original: reference, converted };
}

async function readDaemonInfo(socket: string): Promise<string> {
  const { stdout } = await run('python3', [
    '-c',
    `import http.client, socket, sys
connection = http.client.HTTPConnection('localhost')
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
connection.request('GET', '/v1/daemon')
print(connection.getresponse().read().decode())`,
    socket,
  ]);
  return stdout;
}
