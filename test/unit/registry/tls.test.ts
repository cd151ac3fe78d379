import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ErrorCode, isShoalError } from '../../../core/index.ts';
import type { RegistryAccessOptions, RegistryHostSettings } from '../../../registry/index.ts';
import { openSink, openSource } from '../../../registry/index.ts';
import { type Authority, makeAuthority } from '../../support/certificates.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { HastyClock } from '../../support/manual-clock.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../../support/memory-registry.ts';
import { publishTo, temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const content = noise(100_000, 'tls');

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  assert.equal(error.retryable, false);
  return true;
};

interface Setting {
  readonly directory: string;
  readonly authority: Authority;
  readonly registry: MemoryRegistry;
  /** Reads the blob; `insecure` as on the command line. */
  readonly read: (
    settings: RegistryHostSettings,
    more?: RegistryAccessOptions & { insecure?: boolean },
  ) => Promise<void>;
}

async function setup(t: Ending, { names = 'IP:127.0.0.1', clientCertificates = false } = {}): Promise<Setting> {
  const directory = await temporaryDirectory(t);
  const authority = await makeAuthority(directory);
  const server = await authority.sign('server', names);
  const ca = await readFile(authority.certificate);
  const tls = { cert: await readFile(server.certificate), key: await readFile(server.key) };
  const registry = await startMemoryRegistry(t, clientCertificates ? { ...tls, ca, requestCert: true } : tls);
  const blob = registry.putBlob('app', content);
  const read: Setting['read'] = async (settings, { insecure, ...more } = {}) => {
    const access = testAccess(t, { hosts: { [registry.host]: settings }, ...more });
    const source = openSource(`${registry.host}/app:1`, { access, insecure });
    assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  };
  return { directory, authority, registry, read };
}

test('trusts an authority of the settings, or any certificate when asked to, and nobody else', async t => {
  const { authority, read } = await setup(t);
  await read({ ca: authority.certificate });
  await read({ insecure: true });
  await read({}, { insecure: true });
  const advice =
    /cannot verify the certificate of 127\.0\.0\.1:\d+: (?!.*Node\.js).*certs\.d\/127\.0\.0\.1:\d+\/ca\.crt; --insecure/;
  await assert.rejects(read({}), code('unreachable', advice));
});

test('a certificate for another name is refused, with what to do', async t => {
  const { authority, read } = await setup(t, { names: 'DNS:elsewhere.test' });
  await assert.rejects(
    read({ ca: authority.certificate }),
    code('unreachable', /cannot verify .*altnames.*the registry needs another certificate; --insecure/i),
  );
  await read({ ca: authority.certificate }, { insecure: true });
});

test('a connection that nobody checked never serves an image that is to be checked', async t => {
  const { registry, authority } = await setup(t);
  const blob = registry.putBlob('app', content);
  const access = testAccess(t);
  const insecure = openSource(`${registry.host}/app:1`, { access, insecure: true });
  assert.deepEqual(await collect(insecure.blob(blob, { signal })), content);
  const checked = openSource(`${registry.host}/app:1`, { access });
  await assert.rejects(checked.manifest(AMD64, { signal }), code('unreachable', /cannot verify/));
  assert.ok(authority);
});

test("uses docker's directory of certificates: *.crt to trust, NAME.cert and NAME.key to show", async t => {
  const { directory, authority, registry, read } = await setup(t, { clientCertificates: true });
  const mine = join(directory, 'certs.d', registry.host);
  await mkdir(mine, { recursive: true });
  await copyFile(authority.certificate, join(mine, 'ca.crt'));
  const client = await authority.sign('ada');
  await copyFile(client.certificate, join(mine, 'ada.cert'));
  const certificateDirectory = join(directory, 'certs.d');
  await assert.rejects(read({}, { certificateDirectory }), error => {
    assert.ok(isShoalError(error, 'not-found'));
    assert.equal(
      error.message,
      `${join(mine, 'ada.cert')}: ada.key is missing beside it (an authority is named *.crt)`,
    );
    return true;
  });
  await copyFile(client.key, join(mine, 'ada.key'));
  await read({}, { certificateDirectory });
  assert.equal(registry.clientNames.at(-1), 'ada');
});

test('shows the client certificate of the settings, and the renewed one within a minute', async t => {
  const { directory, authority, registry, read } = await setup(t, { clientCertificates: true });
  const files = { clientCert: join(directory, 'my.cert'), clientKey: join(directory, 'my.key') };
  const become = async (name: string) => {
    const signed = await authority.sign(name);
    await copyFile(signed.certificate, files.clientCert);
    await copyFile(signed.key, files.clientKey);
  };
  await become('ada');
  const clock = new HastyClock();
  const hosts = { [registry.host]: { ca: authority.certificate, ...files } };
  const access = testAccess(t, { hosts, clock });
  const source = openSource(`${registry.host}/app:1`, { access });
  const blob = registry.putBlob('app', content);
  const readOnNewSocket = async () => {
    await registry.goAway();
    await registry.comeBack();
    assert.deepEqual(await collect(source.blob(blob, { signal })), content);
    return registry.clientNames.at(-1);
  };
  assert.equal(await readOnNewSocket(), 'ada');
  await become('grace');
  assert.equal(await readOnNewSocket(), 'ada');
  await clock.advance(61_000);
  assert.equal(await readOnNewSocket(), 'grace');
  await assert.rejects(
    read({ ca: authority.certificate, clientCert: files.clientCert }),
    code('usage', /client-cert and client-key need each other/),
  );
});

test('names the certificate file that is missing, unreadable or no certificate', async t => {
  const { directory, authority, read } = await setup(t);
  const path = (name: string) => join(directory, name);
  const other = await authority.sign('other');
  await writeFile(path('garbage'), 'this is no certificate\n');
  await writeFile(path('huge'), Buffer.alloc(5 << 20));
  const ca = authority.certificate;
  const cases: [RegistryHostSettings, ErrorCode, RegExp][] = [
    [{ ca: path('missing') }, 'not-found', /\/missing: ENOENT/],
    [{ ca: directory }, 'system', /shoal-test-.*: EISDIR/],
    [{ ca: path('garbage') }, 'malformed', /\/garbage: holds no PEM certificate/],
    [{ ca: path('huge') }, 'limit', /\/huge: 5242880 bytes/],
    [{ ca, clientCert: path('missing.cert'), clientKey: other.key }, 'not-found', /\/missing\.cert: ENOENT/],
    [{ ca, clientCert: path('garbage'), clientKey: other.key }, 'malformed', /\/garbage: holds no PEM certificate/],
    [{ ca, clientCert: other.certificate, clientKey: path('garbage') }, 'malformed', /\/garbage: no usable key/],
    [{ ca, clientCert: other.certificate, clientKey: authority.key }, 'malformed', /authority\.key: no usable key/],
  ];
  for (const [settings, expected, message] of cases) await assert.rejects(read(settings), code(expected, message));
});

test("Debian's registry with TLS that wants a client certificate", { skip: noDockerRegistry }, async t => {
  const directory = await temporaryDirectory(t);
  const authority = await makeAuthority(directory);
  const server = await authority.sign('server', 'IP:127.0.0.1');
  const client = await authority.sign('ada');
  const registry = await startDockerRegistry(t, { tls: { ...server, clientAuthority: authority.certificate } });
  const trust = { ca: authority.certificate };
  const settings = { ...trust, clientCert: client.certificate, clientKey: client.key };
  const access = testAccess(t, { hosts: { [registry.host]: settings } });
  const image = sampleImage();
  await publishTo(`${registry.host}/app:1`, image, { access });
  const source = openSource(`${registry.host}/app:1`, { access });
  assert.equal((await source.manifest(AMD64, { signal })).digest, image.manifests[0]?.descriptor.digest);
  const stranger = testAccess(t, { hosts: { [registry.host]: trust } });
  await assert.rejects(
    openSource(`${registry.host}/app:1`, { access: stranger }).manifest(AMD64, { signal }),
    code('unreachable', /does not let us in with .*client-cert and client-key/),
  );
  const [layer] = image.layers;
  assert.ok(layer);
  const put = openSink(`${registry.host}/app:2`, { access: stranger }).putBlob(
    layer.descriptor,
    () => inPieces(layer.bytes, 10_000),
    { signal },
  );
  await assert.rejects(put, code('unreachable', /does not let us in/));
});
