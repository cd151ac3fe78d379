// Registries that do not let everybody in, and ways to them that are not straight: the real command line and daemon
// through convert, push, mount, and reads that outlive what let them in.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { isDigest } from '../../core/index.ts';
import { ControlClient } from '../../daemon/index.ts';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { noise } from '../support/fake-blob.ts';
import { buildImage } from '../support/image-builder.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts';
import { missing } from '../support/missing.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';
import { startTestProxy } from '../support/test-proxy.ts';
import { startTokenServer } from '../support/token-server.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const USER = { name: 'ada', password: 'correct horse 7' };
const CREDS = `${USER.name}:${USER.password}`;
/** Several chunks each, so that reading one brings no other along. */
const FILES = ['first', 'second', 'third'] as const;
const FILE_BYTES = 3_000_000;
const signal = new AbortController().signal;
const READ_TIMEOUT_MS = 60_000;
const DOCKER_CERTIFICATES = '/etc/docker/certs.d';

interface Bench {
  readonly shoal: Shoal;
  /** The ordinary image, `oci:…`. */
  readonly image: string;
  readonly mountpoint: string;
  readonly directory: string;
  readonly authority: Authority;
}

/** `env`: more of the environment of every command, given the bench's directory. */
async function bench(t: TestContext, env: (directory: string) => Record<string, string> = () => ({})): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-private-'));
  await writeFile(join(directory, 'shoal.toml'), '');
  const docker = join(directory, 'docker');
  await mkdir(docker);
  const shoal = await makeShoal(t, {
    SHOAL_CONFIG: join(directory, 'shoal.toml'),
    DOCKER_CONFIG: docker,
    ...env(directory),
  });
  // Not before the one of makeShoal, which needs the configuration to stop the daemon.
  t.after(() => rm(directory, { recursive: true, force: true }));
  const tar = FILES.map(path => ({ path, content: Buffer.from(noise(FILE_BYTES, path)) }));
  const { reference: image } = await buildImage(join(shoal.scratch, 'layout'), { layers: [{ tar }] });
  const mountpoint = join(shoal.scratch, 'mnt');
  await mkdir(mountpoint);
  return { shoal, image, mountpoint, directory, authority: await makeAuthority(directory) };
}

async function configure({ directory }: Bench, text: string): Promise<void> {
  await writeFile(join(directory, 'shoal.toml'), text);
}

async function logIn({ directory }: Bench, host: string, user: { name: string; password: string }): Promise<void> {
  const auth = Buffer.from(`${user.name}:${user.password}`).toString('base64');
  await writeFile(join(directory, 'docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
}

/** Reads a file of the mount in another process and compares it. */
async function readsRight({ mountpoint }: Bench, name: string): Promise<void> {
  const { stdout } = await run('sha256sum', [join(mountpoint, name)], { timeout: READ_TIMEOUT_MS });
  assert.equal(stdout.split(' ')[0], createHash('sha256').update(noise(FILE_BYTES, name)).digest('hex'), name);
}

/** Everything that is left where the daemon writes, and what it shows: none of it holds the password. */
async function tellsNothing({ shoal }: Bench, secret: string): Promise<void> {
  const written = await readdir(shoal.root, { recursive: true, withFileTypes: true });
  const small = written.filter(entry => entry.isFile() && !entry.parentPath.endsWith('/cache'));
  assert.ok(small.some(({ name }) => name === 'state.json') && small.some(({ name }) => name === 'daemon.log'));
  for (const { parentPath, name } of small) {
    assert.ok(!(await readFile(join(parentPath, name), 'utf8')).includes(secret), `${name} holds the password`);
  }
  assert.ok(!(await shoal.ok('ps', '--json')).includes(secret));
  const { pid } = await new ControlClient(join(shoal.root, 'control.sock')).info({ signal });
  assert.ok(!(await readFile(`/proc/${pid}/environ`, 'utf8')).includes(secret), "the daemon's environment");
}

/** docker's directory of certificates for the host, gone again after the test. */
async function trustInDocker(t: TestContext, host: string, authority: Authority): Promise<void> {
  const directory = join(DOCKER_CERTIFICATES, host);
  t.after(async () => {
    await rm(directory, { recursive: true, force: true });
    await rmdir(DOCKER_CERTIFICATES).catch(() => {}); // others use it
  });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'ca.crt'), await readFile(authority.certificate));
}

suite('private registries', { timeout: 480_000, skip: missing('openssl', 'skopeo') }, () => {
  test('TLS and htpasswd: convert, push, mount, and a password that changes while it is read', {
    skip: noDockerRegistry,
  }, async t => {
    const place = await bench(t);
    const { shoal, image, authority, mountpoint } = place;
    const server = await authority.sign('server', 'IP:127.0.0.1');
    const registry = await startDockerRegistry(t, { tls: server, user: USER });
    const [plain, target] = [`${registry.host}/app:plain`, `${registry.host}/app:1`];

    const untrusted = await shoal.run('convert', '--creds', CREDS, image, target);
    assert.equal(untrusted.code, 68, untrusted.stderr);
    assert.match(untrusted.stderr, /cannot verify the certificate.*certs\.d.*--insecure/);
    await shoal.ok('convert', '--insecure', '--creds', CREDS, image, target);

    await trustInDocker(t, registry.host, authority);
    for (const creds of [[], ['--creds', `${USER.name}:wrong`]]) {
      const refused = await shoal.run('mount', ...creds, target, mountpoint);
      assert.equal(refused.code, 77, refused.stderr);
      assert.match(refused.stderr, new RegExp(`^shoal: ${target}: `, 'm'));
      assert.doesNotMatch(refused.stderr, /wrong/);
    }
    await run('skopeo', [
      'copy',
      `--dest-creds=${CREDS}`,
      `--dest-cert-dir=${join(DOCKER_CERTIFICATES, registry.host)}`,
      image,
      `docker://${plain}`,
    ]);
    await shoal.ok('convert', '--creds', CREDS, plain, target);

    await logIn(place, registry.host, USER);
    await shoal.ok('check', target);
    await shoal.ok('mount', target, mountpoint);
    await readsRight(place, 'first');
    const changed = { name: USER.name, password: 'another one' };
    await registry.setUser(changed);
    await logIn(place, registry.host, changed);
    await readsRight(place, 'second');
    await tellsNothing(place, changed.password);
  });

  test('token auth: convert, push, mount, and tokens that end between reads, by the book or without a word', {
    skip: noDockerRegistry,
  }, async t => {
    const place = await bench(t, () => ({ SHOAL_CREDS: CREDS }));
    const { shoal, image, authority, mountpoint } = place;
    const tokens = await startTokenServer(t, { authority, user: USER });
    const server = await authority.sign('server', 'IP:127.0.0.1');
    const registry = await startDockerRegistry(t, { tls: server, token: tokens.forRegistry });
    await configure(
      place,
      [registry.host, tokens.host].map(host => `[registry."${host}"]\nca = "${authority.certificate}"\n`).join('\n'),
    );
    const target = `${registry.host}/team/app:1`;
    const wrong = await shoal.run('convert', '--creds', `${USER.name}:wrong`, image, target);
    assert.equal(wrong.code, 77, wrong.stderr);
    assert.match(wrong.stderr, /team\/app:1: token for 127\.0\.0\.1/);
    await shoal.ok('convert', image, target);
    assert.equal(tokens.issued[0], 'repository:team/app:pull,push');

    // By the book: the token ends when it said so, and is replaced before it is refused.
    tokens.knobs.saidSeconds = 1;
    tokens.knobs.acceptedSeconds = 300;
    await shoal.ok('mount', target, mountpoint);
    await readsRight(place, 'first');
    await ended(1);
    const before = tokens.issued.length;
    // Without a word: said to live for minutes, refused after two seconds.
    tokens.knobs.saidSeconds = 300;
    tokens.knobs.acceptedSeconds = 2;
    await readsRight(place, 'second');
    assert.ok(tokens.issued.length > before, 'a token that had ended was used');
    await ended(3);
    const known = tokens.issued.length;
    tokens.knobs.acceptedSeconds = 300;
    await readsRight(place, 'third');
    assert.equal(tokens.issued.length, known + 1, 'the refused token was replaced, once');
    await tellsNothing(place, USER.password);
  });

  test('a credential helper, an identity token, and a proxy that alone knows the way', async t => {
    const proxy = await startTestProxy(t);
    proxy.user = 'proxy:s3cret';
    const place = await bench(t, base => ({
      PATH: `${join(base, 'bin')}:${process.env['PATH']}`,
      HTTPS_PROXY: proxy.address.replace('://', '://proxy:s3cret@'),
    }));
    const { shoal, authority, directory } = place;
    const server = await authority.sign('server', 'DNS:registry.test');
    const tls = { cert: await readFile(server.certificate), key: await readFile(server.key) };
    const registry = await startMemoryRegistry(t, tls);
    proxy.hosts['registry.test:443'] = registry.host;
    registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300, username: 'nobody' };
    registry.knobs.identityToken = 'long-lived-secret';
    registry.knobs.realm = 'https://registry.test/token';
    await configure(place, `[registry."registry.test"]\nca = "${authority.certificate}"\n`);
    await mkdir(join(directory, 'bin'));
    const answer = JSON.stringify({ Username: '<token>', Secret: 'long-lived-secret' });
    const helper = `#!/bin/sh\nread -r host; test "$host" = registry.test || exit 1\necho '${answer}'\n`;
    await writeFile(join(directory, 'bin/docker-credential-test'), helper, { mode: 0o755 });
    await writeFile(join(directory, 'docker/config.json'), JSON.stringify({ credsStore: 'test' }));
    await shoal.ok('convert', place.image, 'registry.test/app:1');
    await shoal.ok('mount', 'registry.test/app:1', place.mountpoint);
    await readsRight(place, 'first');
    registry.expireTokens();
    await readsRight(place, 'second');
    assert.deepEqual(new Set(proxy.lines), new Set(['CONNECT registry.test:443']));
    assert.ok(registry.requestsTo('POST /token').length >= 3);
    await tellsNothing(place, 'long-lived-secret');
  });

  test('credentials for one command: from an option, from standard input, for each side, and to nobody else', async t => {
    const place = await bench(t);
    const { shoal, image, mountpoint } = place;
    const [one, two] = [await startMemoryRegistry(t), await startMemoryRegistry(t)];
    one.knobs.auth = { kind: 'basic', username: 'ada', password: 'one' };
    two.knobs.auth = { kind: 'basic', username: 'ada', password: 'two' };
    await configure(place, [one, two].map(({ host }) => `[registry."${host}"]\nplain-http = true\n`).join(''));
    const [first, second] = [`${one.host}/app:1`, `${two.host}/app:1`];
    await run('skopeo', ['copy', '--dest-tls-verify=false', '--dest-creds=ada:one', image, `docker://${first}`]);
    const ambiguous = await shoal.run('convert', '--creds', 'ada:one', first, second);
    assert.equal(ambiguous.code, 64);
    assert.match(ambiguous.stderr, /--creds: for which of .* Say so with --src-creds and --dest-creds/);
    assert.equal(two.requests.length, 0);
    await shoal.ok('convert', '--src-creds', 'ada:one', '--dest-creds', 'ada:two', first, second);
    await shoal.ok('check', '--creds', 'ada:two', '--src-creds', 'ada:one', '--source', first, second);
    const asksOne = one.requests.length;
    const alsoAmbiguous = await shoal.run('inspect', '--creds', 'ada:two', '--source', first, second, '/');
    assert.equal(alsoAmbiguous.code, 64);
    assert.equal(one.requests.length, asksOne);
    await shoal.ok('inspect', '--creds', 'ada:two', '--src-creds', 'ada:one', '--source', first, second, '/');

    const asked = (input: string, ...args: string[]) => withInput(place, input, args);
    assert.equal((await asked('two\n', 'check', '--creds', 'ada', second)).code, 0);
    assert.equal((await asked('', 'check', '--creds', 'ada', second)).code, 64);
    const running = await asked('two\n', 'run', '--creds', 'ada', second);
    assert.equal(running.code, 64);
    assert.match(running.stderr, /SHOAL_CREDS/);
    const inside = await shoal.run('mount', `docker://ada:two@${second}`, mountpoint);
    assert.equal(inside.code, 64);
    assert.doesNotMatch(inside.stderr, /ada|two/);
  });

  test('mirrors: read from first, passed over when they are away, never believed', async t => {
    const place = await bench(t);
    const { shoal, image, mountpoint } = place;
    const [registry, mirror, dead] = [
      await startMemoryRegistry(t),
      await startMemoryRegistry(t),
      await startMemoryRegistry(t),
    ];
    await dead.goAway();
    await configure(
      place,
      `[registry."${registry.host}"]\nplain-http = true\nmirrors = ["http://${dead.host}", "http://${mirror.host}"]\n`,
    );
    const target = `${registry.host}/app:1`;
    await shoal.ok('convert', image, target);
    assert.equal(mirror.requests.length, 0, 'pushes go to the registry');
    const digest = copyRepository(registry, mirror);
    const before = registry.requests.length;
    await shoal.ok('mount', target, mountpoint);
    await readsRight(place, 'first');
    assert.equal(registry.requests.length, before, 'the mirror had everything');

    mirror.corrupt(digest, Math.floor(FILE_BYTES * 1.5));
    await readsRight(place, 'second');
    assert.ok(registry.requestsTo(`GET /v2/app/blobs/${digest}`).length > 0, 'the registry had the right bytes');
    const asked = mirror.requests.length;
    await mirror.goAway();
    await readsRight(place, 'third');
    assert.equal(mirror.requests.length, asked);
  });
});

/** Runs a command with this on its standard input. */
async function withInput({ shoal, directory }: Bench, input: string, args: readonly string[]) {
  const env = { ...process.env, SHOAL_CONFIG: join(directory, 'shoal.toml'), DOCKER_CONFIG: join(directory, 'docker') };
  const child = spawn(process.execPath, [MAIN, '--root', shoal.root, ...args], {
    env,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  child.stdin.on('error', () => {}); // it need not read
  child.stdin.end(input);
  const stderr = await text(child.stderr);
  const [code] = await exited;
  return { code, stderr };
}

/** A second or more has passed since now: what was to end by then has ended. */
async function ended(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await until(() => performance.now() > end, 'time');
}

/** Everything of the one repository, in memory of its own; the digest of its first data blob. */
function copyRepository(from: MemoryRegistry, to: MemoryRegistry) {
  const original = from.repository('app');
  const copy = to.repository('app');
  for (const [digest, bytes] of original.blobs) copy.blobs.set(digest, Buffer.from(bytes));
  for (const [digest, manifest] of original.manifests) copy.manifests.set(digest, manifest);
  for (const [tag, digest] of original.tags) copy.tags.set(tag, digest);
  const [manifest] = [...original.manifests.values()].map(({ bytes }) => JSON.parse(bytes.toString()));
  const digest: string = manifest.layers[0].digest;
  assert.ok(isDigest(digest));
  return digest;
}
