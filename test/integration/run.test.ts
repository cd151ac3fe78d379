// `shoal run` and the life of a daemon that a command started, with a small image around busybox.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, suite, type TestContext, test } from 'node:test';
import type { MountInfo } from '../../core/index.ts';
import { buildImage } from '../support/image-builder.ts';
import { missing } from '../support/missing.ts';
import { makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const BUSYBOX = '/bin/busybox';
const noBusybox = existsSync(BUSYBOX) ? false : `${BUSYBOX} (busybox-static) is not installed`;
const PROGRAMS: Readonly<Record<string, readonly string[]>> = { runc: ['runc'], namespaces: ['setpriv', 'unshare'] };

interface Small {
  readonly shoal: Shoal;
  readonly image: string;
}

const endings: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of endings) await end();
});
let converted: Promise<string> | undefined;

/** A root of its own, and the image, which is converted once. */
async function smallImage(t: TestContext): Promise<Small> {
  converted ??= convertSmall();
  return { shoal: await makeShoal(t), image: await converted };
}

/** A converted image whose programs are busybox, with the config of a picky image author. */
async function convertSmall(): Promise<string> {
  const shoal = await makeShoal({ after: work => void endings.push(work) });
  const layout = join(shoal.scratch, 'layout');
  const source = await buildImage(layout, {
    tag: 'small',
    config: {
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['id -u; id -g; echo $COLOUR; pwd'],
      Env: ['PATH=/bin', 'COLOUR=blue'],
      WorkingDir: '/srv/work',
      User: 'web',
    },
    layers: [
      {
        tar: [
          { path: 'bin/busybox', content: await readFile(BUSYBOX), mode: 0o755 },
          ...['sh', 'id', 'cat', 'echo', 'touch', 'kill', 'sleep', 'hostname', 'wc', 'ls'].map(name => ({
            path: `bin/${name}`,
            type: 'symlink',
            target: 'busybox',
          })),
          { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:2000:web:/srv:/bin/sh\n' },
          { path: 'etc/group', content: 'root:x:0:\nweb:x:2000:\n' },
          { path: 'srv/work/', type: 'directory', mode: 0o777 },
          { path: 'tmp/', type: 'directory', mode: 0o1777 },
        ],
      },
    ],
  });
  const image = `oci:${join(shoal.scratch, 'converted')}:small`;
  await shoal.ok('convert', source.reference, image);
  return image;
}

for (const [runtime, programs] of Object.entries(PROGRAMS)) {
  suite(`run with ${runtime}`, { timeout: 300_000, skip: noBusybox || missing(...programs) }, () => {
    const how = ['run', '--rm', '--runtime', runtime];

    test('takes command, environment, working directory and user from the image', async t => {
      const { shoal, image } = await smallImage(t);
      assert.deepEqual((await shoal.ok(...how, image)).split('\n'), ['1000', '2000', 'blue', '/srv/work', '']);
    });

    test('lets the command line replace command and environment', async t => {
      const { shoal, image } = await smallImage(t);
      assert.equal(await shoal.ok(...how, '-e', 'COLOUR=red', image, 'echo $COLOUR $HOME'), 'red /srv\n');
    });

    test("ends with the program's exit code", async t => {
      const { shoal, image } = await smallImage(t);
      assert.equal((await shoal.run(...how, image, 'exit 7')).code, 7);
    });

    test('passes signals on to the program and cleans up behind it', async t => {
      const { shoal, image } = await smallImage(t);
      const data = join(shoal.scratch, 'data');
      await mkdir(data);
      await chmod(data, 0o777);
      const script = 'trap "exit 5" INT; touch /data/started; while :; do sleep 0.1; done';
      const started = () => until(() => existsSync(join(data, 'started')), 'for the program to start');
      const result = await shoal.interrupted(started, ...how, '-v', `${data}:/data`, image, script);
      assert.equal(result.code, 5, result.stderr);
      assert.deepEqual(await mountsBelow(shoal.root), []);
    });

    test('binds volumes, the read-only ones read-only', async t => {
      const { shoal, image } = await smallImage(t);
      const [data, fixed] = [join(shoal.scratch, 'data'), join(shoal.scratch, 'fixed')];
      await mkdir(data);
      await mkdir(fixed);
      await writeFile(join(fixed, 'file'), 'from the host');
      const script = 'cat /fixed/file; touch /fixed/new 2>/dev/null || echo " refused"; echo written > /data/out';
      const volumes = ['-v', `${data}:/data`, '-v', `${fixed}:/fixed:ro`];
      await writeFile(join(data, 'out'), '');
      await chmod(join(data, 'out'), 0o666); // whatever the umask
      assert.equal(await shoal.ok(...how, ...volumes, image, script), 'from the host refused\n');
      assert.equal(await readFile(join(data, 'out'), 'utf8'), 'written\n');
      assert.deepEqual(await readdir(fixed), ['file']);
    });

    test('with --rm nothing stays: no mount, no directory, no daemon', async t => {
      const { shoal, image } = await smallImage(t);
      await shoal.ok(...how, image, 'echo changed > /tmp/file');
      assert.deepEqual(await readdir(join(shoal.root, 'containers')), []);
      assert.deepEqual(await mountsBelow(shoal.root), []);
      assert.equal((await shoal.run('daemon', 'stop')).code, 66);
    });

    test('without --rm the changes stay until somebody unmounts them', async t => {
      const { shoal, image } = await smallImage(t);
      const { stderr } = await shoal.run('run', '--runtime', runtime, image, 'echo kept > /tmp/file');
      const [mount] = (await shoal.json('ps')) as MountInfo[];
      assert.ok(mount?.writable);
      assert.equal(await readFile(join(mount.mountpoint, 'tmp/file'), 'utf8'), 'kept\n');
      const [, toRemove] = /^shoal: the container stays mounted; remove it with: shoal (.+)$/m.exec(stderr) ?? [];
      await shoal.ok(...(toRemove?.split(' ') ?? []));
      assert.deepEqual(await mountsBelow(shoal.root), []);
    });

    test('a command that the image does not have is refused by name', async t => {
      const { shoal, image } = await smallImage(t);
      const result = await shoal.run(...how, image, 'exec /no/such/program');
      assert.equal(result.code, 127);
      assert.match(result.stderr, /no\/such\/program/);
      assert.deepEqual(await mountsBelow(shoal.root), []);
    });
  });
}

async function mountsBelow(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').filter(line => line.split(' ')[4]?.startsWith(`${directory}/`));
}
