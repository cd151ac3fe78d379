// The whole way for real images: built from Debian packages by foreign tools, pushed to Debian's docker-registry by
// skopeo, converted there, mounted by our daemon and by the kernel's EROFS, and compared with what umoci unpacks.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { MountInfo } from '../../core/index.ts';
import { buildDebianImages, type DebianImages } from '../support/debian-images.ts';
import { type DockerRegistry, noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { mountErofs } from '../support/kernel-erofs.ts';
import { missing } from '../support/missing.ts';
import { asNativeShows } from '../support/native-limits.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';
import { compareTrees, readTree, type Tree } from '../support/tree.ts';
import { makeUnprivileged, unprivilegedProblem } from '../support/unprivileged.ts';

const run = promisify(execFile);

interface DevicesReport {
  readonly bootstrap: string;
  readonly devices: readonly string[];
}

const skip = unprivilegedProblem();

const noTools = noDockerRegistry || missing('umoci', 'skopeo', 'debootstrap', 'htpasswd');

suite('images built from Debian packages', { timeout: 900_000, skip: noTools }, () => {
  let directory = '';
  let images: DebianImages;
  let registry: DockerRegistry;
  const endings: (() => Promise<void>)[] = [];
  const expected = new Map<string, Tree>();
  const converted = new Map<string, string>();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-test-'));
    images = await buildDebianImages(directory);
    registry = await startDockerRegistry({ after: work => void endings.push(work) });
    for (const tag of images.tags) {
      const bundle = join(directory, `expected-${tag}`);
      await run('umoci', ['unpack', '--image', `${images.layout}:${tag}`, bundle]);
      expected.set(tag, await readTree(join(bundle, 'rootfs')));
      await skopeo(`oci:${images.layout}:${tag}`, `docker://${registry.host}/debian:${tag}`);
      converted.set(tag, await convert(tag));
    }
  });

  after(async () => {
    for (const end of endings) await end();
    await rm(directory, { recursive: true, force: true });
  });

  /** Converts with the real command; returns the manifest's digest. */
  async function convert(tag: string, ...options: string[]): Promise<string> {
    const [from, to] = [`${registry.host}/debian:${tag}`, `${registry.host}/debian:${tag}-shoal`];
    const command = [MAIN, '--json', 'convert', '--plain-http', '--work-dir', directory, ...options, from, to];
    const { stdout } = await run(process.execPath, command, { maxBuffer: 16 << 20 });
    const report = JSON.parse(stdout) as { target: { digest: string } };
    return report.target.digest;
  }

  // Each has the files of "base" below its own.
  for (const tag of ['python', 'nginx'] as const) {
    test(`${tag}: the lazy mount is the tree that umoci unpacks`, async t => {
      const shoal = await makeShoal(t);
      const mountpoint = join(shoal.scratch, 'mnt');
      await mkdir(mountpoint);
      await shoal.ok('mount', '--plain-http', `${registry.host}/debian:${tag}-shoal`, mountpoint);
      assert.deepEqual(compareTrees(treeOf(tag), await readTree(mountpoint)), []);
      await shoal.ok('umount', mountpoint);
    });

    test(`${tag}: the kernel's EROFS sees the same tree over the unpacked devices`, async t => {
      const shoal = await makeShoal(t);
      const { bootstrap, devices } = await unpackDevices(shoal, tag);
      const mountpoint = await mountErofs(t, bootstrap, devices);
      assert.deepEqual(compareTrees(treeOf(tag), await readTree(mountpoint)), []);
    });

    test(`${tag}: unpack writes the same tree as plain files`, async t => {
      const shoal = await makeShoal(t);
      const target = join(shoal.scratch, 'tree');
      await shoal.ok('unpack', '--plain-http', `${registry.host}/debian:${tag}-shoal`, target);
      assert.deepEqual(compareTrees(treeOf(tag), await readTree(target)), []);
    });
  }

  test('nginx: without root, the mount by fuse-native is that tree, its listed limits aside', { skip }, async t => {
    const user = await makeUnprivileged(t);
    const mountpoint = user.directory('mnt');
    const image = `${registry.host}/debian:nginx-shoal`;
    const info = (await user.json('mount', '--plain-http', image, mountpoint)) as MountInfo;
    assert.equal(info.driver, 'fuse-native');
    const program = (checkout: string) => `
      import { readTree } from '${checkout}/test/support/tree.ts';
      console.log(JSON.stringify([...await readTree(process.argv[1])]));`;
    const found = new Map(JSON.parse(await user.script(program, mountpoint))) as Tree;
    assert.deepEqual(compareTrees(asNativeShows(treeOf('nginx')), found), []);
    await user.ok('umount', mountpoint);
  });

  test('fsck.erofs finds nothing wrong and extracts the same files', async t => {
    const shoal = await makeShoal(t);
    const { bootstrap, devices } = await unpackDevices(shoal, 'base');
    const target = join(shoal.scratch, 'extracted');
    await run('fsck.erofs', [`--extract=${target}`, ...devices.map(device => `--device=${device}`), bootstrap]);
    const found = await readTree(target);
    // erofs-utils 1.5 restores no xattrs, no hard links (it writes copies) and no setuid, setgid or sticky bits: these
    // are left to the kernel mount.
    const comparable = (tree: Tree) =>
      new Map(
        [...tree].map(([path, entry]) => [path, { ...entry, mode: entry.mode.slice(-3), xattrs: '', group: path }]),
      );
    assert.deepEqual(compareTrees(comparable(treeOf('base')), comparable(found)), []);
  });

  test('the same image converted again, by one worker or by two, has the same digest', async () => {
    const one = await convert('nginx', '--workers', '1');
    const two = await convert('nginx', '--workers', '2');
    assert.equal(one, converted.get('nginx'));
    assert.equal(two, converted.get('nginx'));
  });

  test('skopeo copies the converted image to a directory and back without changing it', async t => {
    const shoal = await makeShoal(t);
    const copy = join(shoal.scratch, 'copy');
    await skopeo(`docker://${registry.host}/debian:base-shoal`, `dir:${copy}`);
    await skopeo(`dir:${copy}`, `docker://${registry.host}/copied:base`);
    const { stdout } = await run('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--format',
      '{{.Digest}}',
      `docker://${registry.host}/copied:base`,
    ]);
    assert.equal(stdout.trim(), converted.get('base'));
    await shoal.ok('check', '--plain-http', `${registry.host}/copied:base`);
  });

  test('check finds nothing wrong with a converted image', async t => {
    const shoal = await makeShoal(t);
    const report = (await shoal.json('check', '--plain-http', `${registry.host}/debian:nginx-shoal`)) as {
      chunks: number;
      problems: unknown[];
    };
    assert.ok(report.chunks > 1000, `only ${report.chunks} chunks`);
    assert.deepEqual(report.problems, []);
  });

  for (const runtime of ['runc', 'namespaces']) {
    test(`with ${runtime}, python runs from the image`, async t => {
      const shoal = await makeShoal(t);
      const image = `${registry.host}/debian:python-shoal`;
      const code = 'import json, sys; print(json.dumps([sys.argv[1], 6 * 7]))';
      const output = await shoal.ok(
        'run',
        '--rm',
        '--plain-http',
        '--runtime',
        runtime,
        image,
        'python3',
        '-c',
        code,
        'argument',
      );
      assert.deepEqual(JSON.parse(output), ['argument', 42]);
    });

    test(`with ${runtime}, setuid programs and file capabilities take effect`, async t => {
      const shoal = await makeShoal(t);
      const image = `${registry.host}/debian:nginx-shoal`;
      const script = [
        'cd /opt/awkward',
        'setpriv --reuid 1000 --regid 1000 --clear-groups ./setuid-id -u',
        'setpriv --reuid 1000 --regid 1000 --clear-groups ./capable-cat secret',
        'setpriv --reuid 1000 --regid 1000 --clear-groups cat secret || echo refused',
      ].join('; ');
      const output = await shoal.ok('run', '--rm', '--plain-http', '--runtime', runtime, image, 'sh', '-c', script);
      assert.deepEqual(output.trim().split('\n'), ['0', 'only root may read this', 'refused']);
    });
  }

  test('nginx answers its first request from the lazy mount', async t => {
    const shoal = await makeShoal(t);
    const image = `${registry.host}/debian:nginx-shoal`;
    // The container asks itself over a unix socket of its own: no port of the host is taken.
    const script = [
      'mkdir -p /run/t && printf "events {} http { access_log off; server { listen unix:/run/t/s; root /var/www/html; index index.nginx-debian.html; } }" > /run/t/conf',
      'nginx -c /run/t/conf',
      'perl -MIO::Socket::UNIX -e \'$s = IO::Socket::UNIX->new("/run/t/s"); print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print <$s>\'',
      'nginx -c /run/t/conf -s stop',
    ].join(' && ');
    const output = await shoal.ok('run', '--rm', '--plain-http', image, 'sh', '-c', script);
    assert.match(output, /^HTTP\/1.1 200 OK/);
    assert.match(output, /Welcome to nginx/);
  });

  function treeOf(tag: string): Tree {
    const tree = expected.get(tag);
    assert.ok(tree && tree.size > 1000, `umoci's tree of ${tag} has ${tree?.size} entries`);
    return tree;
  }

  async function unpackDevices(shoal: Shoal, tag: string): Promise<DevicesReport> {
    const target = join(shoal.scratch, 'devices');
    const reference = `${registry.host}/debian:${tag}-shoal`;
    return (await shoal.json('unpack', '--plain-http', '--devices', target, reference)) as DevicesReport;
  }
});

async function skopeo(from: string, to: string): Promise<void> {
  await run('skopeo', ['copy', '--quiet', '--src-tls-verify=false', '--dest-tls-verify=false', from, to]);
}
