// What npm would publish: packed, installed into an empty folder, and used there as a stranger would use it, from the
// command line and as a library. Node runs no TypeScript below node_modules, so this is compiled code throughout.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { VERSION } from '../../cli/version.ts';
import { buildImage } from '../support/image-builder.ts';
import { OLD_NODE } from '../support/old-node.ts';
import { makeShoal } from '../support/shoal.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Compiled code, its types and the docs; a picture or a test folder that slips in would show. */
const MAX_PACKED_BYTES = 1 << 20;
const MAX_UNPACKED_BYTES = 4 << 20;

const NO_NETWORK = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT/;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** A program that converts an image with nothing but what the package exports. */
const CONSUMER = `
import { type ConvertReport, convertImage } from 'shoal/converter';
import { type ImageSource, isShoalError, silentLogger } from 'shoal/core';
import { type DaemonInfo, ControlClient } from 'shoal/daemon';
import { BootstrapReader } from 'shoal/image';
import { type MemberNode, newIdentity } from 'shoal/peer';
import { createClusterKey, PIECES_PROTOCOL, Verdict } from 'shoal/proto';
import { openSink, openSource, RegistryAccess } from 'shoal/registry';

const access = new RegistryAccess({ credentials: async () => undefined });
const source: ImageSource = openSource('oci:layout:app', { access });
// @ts-expect-error a number is no reference: were the types missing, this line would be fine
void (() => openSource(5, { access }));
const report: ConvertReport = await convertImage({
  source,
  sink: openSink('oci:library:app', { access }),
  platform: { os: 'linux', architecture: '${process.arch === 'arm64' ? 'arm64' : 'amd64'}' },
  workDir: '.',
  workers: 1,
  signal: AbortSignal.timeout(30_000),
  log: silentLogger,
  onProgress: () => {},
});
const info: DaemonInfo | string = await new ControlClient('/nowhere.sock')
  .info({ signal: AbortSignal.timeout(30_000) })
  .catch((error: unknown) => (isShoalError(error, 'unreachable') ? 'unreachable' : 'something else'));
const addressOf = (node: MemberNode): readonly string[] => node.addresses;
const { reason } = Verdict.decode(Verdict.encode({ reason: PIECES_PROTOCOL }).finish());
const isCluster = createClusterKey().privatePem.includes('PRIVATE KEY') && newIdentity().peerId.startsWith('12D3KooW');
console.log(JSON.stringify({ entries: report.totals.entries, info, reader: BootstrapReader.name, reason, isCluster, args: addressOf.length }));
`;

suite('the npm package', { timeout: 480_000 }, () => {
  let base = '';
  let folder = '';
  let packed: Packed | undefined;
  let unreachable: string | undefined;

  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'shoal-package-'));
    folder = join(base, 'empty');
    await mkdir(folder);
    const { stdout } = await run('npm', ['pack', '--silent', '--json', '--pack-destination', base], { cwd: ROOT });
    [packed] = JSON.parse(stdout) as Packed[];
    const tarball = join(base, packed?.filename ?? '');
    const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...options, tarball], { cwd: folder }).catch((error: Error) => {
      if (!NO_NETWORK.test(error.message)) throw error;
      unreachable = 'the npm registry is not reachable';
    });
  });

  after(() => rm(base, { recursive: true, force: true }));

  /** The installed command as a shell finds it. */
  const shoal = () => join(folder, 'node_modules/.bin/shoal');
  const withThisNode = { PATH: `${dirname(process.execPath)}:${SYSTEM_PATH}` };

  test('holds the compiled form and the types of every source file, documents, a license, and nothing else', () => {
    const build = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
    const folders = build.include.filter(name => existsSync(join(ROOT, name)));
    assert.ok(folders.length >= 6, folders.join());
    const compiled = folders
      .flatMap(name =>
        readdirSync(join(ROOT, name), { withFileTypes: true, recursive: true })
          .filter(entry => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
          .map(entry => relative(ROOT, join(entry.parentPath, entry.name.slice(0, -'.ts'.length)))),
      )
      .flatMap(path => [`dist/${path}.js`, `dist/${path}.d.ts`]);
    // Generated code is JavaScript already.
    const generated = ['dist/proto/generated/shoal.d.ts', 'dist/proto/generated/shoal.js'];
    const others = [
      ...generated,
      'LICENSE',
      'README.md',
      'bin/shoal',
      'deploy/shoal-scheduler.service',
      'deploy/shoal.service',
      'package.json',
      'scripts/with-node.sh',
    ];
    const paths = packed?.files.map(({ path }) => path).filter(path => !/^docs\/.*\.md$/.test(path)) ?? [];
    assert.deepEqual(paths.toSorted(), [...compiled, ...others].toSorted());
  });

  test('is small', () => {
    assert.ok(packed);
    assert.ok(packed.size < MAX_PACKED_BYTES, `${packed.size} bytes packed`);
    assert.ok(packed.unpackedSize < MAX_UNPACKED_BYTES, `${packed.unpackedSize} bytes unpacked`);
  });

  test('names no file by the ending that only a checkout has', async () => {
    const wrong: string[] = [];
    for (const { path } of packed?.files ?? []) {
      if (!path.endsWith('.js')) continue;
      const code = (await readFile(join(ROOT, path), 'utf8')).replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
      for (const [literal] of code.matchAll(/['"`][^'"`\n]*\.ts['"`]/g)) wrong.push(`${path}: ${literal}`);
    }
    assert.deepEqual(wrong, []);
  });

  test('runs with the Node that is there, and with its own where that one is too old', async t => {
    if (unreachable !== undefined) return t.skip(unreachable);
    assert.equal((await run(shoal(), ['--version'], { env: withThisNode })).stdout.trim(), VERSION);
    const old = join(base, 'old');
    await mkdir(old);
    await writeFile(join(old, 'node'), OLD_NODE, { mode: 0o755 });
    const env = { PATH: `${old}:${SYSTEM_PATH}` };
    assert.equal((await run(shoal(), ['--version'], { env })).stdout.trim(), VERSION);
  });

  test('converts an image, checks it, mounts it, runs it and unmounts it', async t => {
    if (unreachable !== undefined) return t.skip(unreachable);
    const installed = await makeShoal(t, withThisNode, [shoal()]);
    const tar = [{ path: 'dir/file', content: 'hello from a package\n' }];
    const { reference } = await buildImage(join(installed.scratch, 'layout'), { tag: 'plain', layers: [{ tar }] });
    const converted = `oci:${join(installed.scratch, 'converted')}:app`;
    const mountpoint = join(installed.scratch, 'mnt');
    await mkdir(mountpoint);
    await installed.ok('convert', reference, converted);
    await installed.ok('check', converted);
    await installed.ok('mount', converted, mountpoint);
    assert.equal(await readFile(join(mountpoint, 'dir/file'), 'utf8'), 'hello from a package\n');
    await installed.ok('umount', mountpoint);
    assert.deepEqual(readdirSync(mountpoint), []);
    // No program of that name: the container's first process, a script of ours, started and says so.
    const result = await installed.run('run', '--runtime', 'namespaces', '--rm', converted, '/no/such/program');
    assert.equal(result.code, 127, result.stderr);
    assert.match(result.stderr, /\/no\/such\/program/);
  });

  test('is a library whose types a strict compiler accepts, and which does what they say', async t => {
    if (unreachable !== undefined) return t.skip(unreachable);
    await buildImage(join(folder, 'layout'), { tag: 'app', layers: [{ tar: [{ path: 'file', content: 'x' }] }] });
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object;
    await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, type: 'module' }));
    await writeFile(join(folder, 'consumer.ts'), CONSUMER);
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2024',
      noEmit: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compiled = await run(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
    assert.equal(compiled.stdout, '');
    const { stdout } = await run(process.execPath, ['consumer.ts'], { cwd: folder });
    assert.deepEqual(JSON.parse(stdout), {
      entries: 1,
      info: 'unreachable',
      reader: 'BootstrapReader',
      reason: '/shoal/pieces/1',
      isCluster: true,
      args: 1,
    });
  });
});
