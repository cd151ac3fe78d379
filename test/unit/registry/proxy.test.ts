import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type ErrorCode, isShoalError } from '../../../core/index.ts';
import { MAX_SOCKETS_PER_HOST } from '../../../registry/connections.ts';
import { DEFAULT_TIMEOUTS, openSource } from '../../../registry/index.ts';
import { proxyFor } from '../../../registry/proxy.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { noise } from '../../support/fake-blob.ts';
import { HastyClock } from '../../support/manual-clock.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { collect } from '../../support/streams.ts';
import { startTestProxy } from '../../support/test-proxy.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const content = noise(200_000, 'proxy');

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  assert.doesNotMatch(`${error.message}`, /s3cret|Basic/);
  return true;
};

test('chooses the proxy by scheme and NO_PROXY', () => {
  const settings = { httpProxy: 'http://plain:3128', httpsProxy: 'tls.example:3129' };
  const choose = (address: string, noProxy = '') => proxyFor(new URL(address), { ...settings, noProxy })?.origin;
  assert.equal(choose('http://r.example/'), 'http://plain:3128');
  assert.equal(choose('https://r.example/'), 'http://tls.example:3129');
  assert.equal(proxyFor(new URL('https://r.example'), { httpProxy: 'http://plain:3128' }), undefined);
  const exempt: [string, string][] = [
    ['https://r.example', '*'],
    ['https://r.example', 'other, R.Example'],
    ['https://a.r.example', 'r.example'],
    ['https://a.r.example', '.r.example'],
    ['https://a.r.example', '*.r.example'],
    ['https://r.example', 'r.example:443'],
    ['https://r.example:5000', 'r.example:5000'],
    ['http://10.1.2.3:5000', '10.0.0.0/8'],
    ['http://10.1.2.3:5000', '10.1.2.3'],
    ['https://[fd00::1]:5000', 'fd00::/8'],
    ['https://[fd00::1]:5000', '[fd00::1]:5000'],
    ['https://localhost:5000', ''],
    ['https://127.1.2.3', ''],
    ['https://[::1]', ''],
  ];
  for (const [address, noProxy] of exempt) assert.equal(choose(address, noProxy), undefined, `${address} ${noProxy}`);
  const proxied: [string, string][] = [
    ['https://r.example', 'example.r, xr.example, , .'],
    ['https://notr.example', 'r.example'],
    ['https://r.example', '.r.example'],
    ['https://r.example', 'r.example:5000'],
    ['https://r.example', '10.0.0.0/8'],
    ['https://11.1.2.3', '10.0.0.0/8, 11.0.0.0/99, /, 11.1.2.3/x'],
  ];
  for (const [address, noProxy] of proxied) assert.ok(choose(address, noProxy), `${address} ${noProxy}`);
});

test('takes credentials from the address, and refuses one that makes no sense without quoting it', () => {
  const url = new URL('https://r.example');
  const shown = proxyFor(url, { httpsProxy: 'http://ada:p%40ss%zz@proxy:1' })?.authorization ?? '';
  assert.equal(Buffer.from(shown.replace('Basic ', ''), 'base64').toString(), 'ada:p%40ss%zz');
  const decoded = proxyFor(url, { httpsProxy: 'http://ada:p%40ss@proxy:1' })?.authorization ?? '';
  assert.equal(Buffer.from(decoded.replace('Basic ', ''), 'base64').toString(), 'ada:p@ss');
  for (const httpsProxy of ['socks5://ada:s3cret@proxy', 'http://ada:s3cret@', 'http://ada:s3cret@proxy:port']) {
    assert.throws(() => proxyFor(url, { httpsProxy }), code('usage', /HTTPS_PROXY: expected/));
  }
});

test('reaches a registry with TLS through a tunnel, by a name that only the proxy knows', async t => {
  const directory = await temporaryDirectory(t);
  const authority = await makeAuthority(directory);
  const server = await authority.sign('server', 'DNS:registry.test');
  const tls = { cert: await readFile(server.certificate), key: await readFile(server.key) };
  const registry = await startMemoryRegistry(t, tls);
  const blob = registry.putBlob('app', content);
  const proxy = await startTestProxy(t, { 'registry.test:5000': registry.host });
  proxy.user = 'ada:s3cret';
  const hosts = { 'registry.test:5000': { ca: authority.certificate } };
  const httpsProxy = proxy.address.replace('://', '://ada:s3cret@');
  const source = openSource('registry.test:5000/app:1', { access: testAccess(t, { hosts, proxies: { httpsProxy } }) });
  assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  assert.deepEqual(proxy.lines, ['CONNECT registry.test:5000']);
  const crowd = Array.from({ length: 100 }, () => collect(source.blob(blob, { signal })));
  for (const bytes of await Promise.all(crowd)) assert.equal(bytes.length, content.length);
  assert.ok(proxy.lines.length <= MAX_SOCKETS_PER_HOST, `${proxy.lines.length} tunnels`);
  assert.equal(registry.requests[0]?.headers['proxy-authorization'], undefined);
  const stranger = testAccess(t, { proxies: { httpsProxy } });
  await assert.rejects(
    openSource('registry.test:5000/app:1', { access: stranger }).manifest(AMD64, { signal }),
    code('unreachable', /cannot verify the certificate of registry\.test:5000/),
  );
});

test('reaches a registry without TLS through the proxy, which is shown its own credentials only', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  const proxy = await startTestProxy(t, { 'registry.test:80': registry.host });
  proxy.user = 'ada:s3cret';
  const httpProxy = proxy.address.replace('://', '://ada:s3cret@');
  const access = testAccess(t, { proxies: { httpProxy } });
  const source = openSource('registry.test/app:1', { access, plainHttp: true });
  assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  assert.match(proxy.lines[0] ?? '', /^GET http:\/\/registry\.test\/v2\/app\/blobs\/sha256:/);
  assert.equal(registry.requests[0]?.headers['proxy-authorization'], undefined);
  assert.equal(registry.requests[0]?.headers.host, 'registry.test');
});

test('speaks TLS with the proxy itself, whose certificate is checked, for both kinds of registries', async t => {
  const directory = await temporaryDirectory(t);
  const authority = await makeAuthority(directory);
  const server = await authority.sign('server', 'DNS:registry.test,IP:127.0.0.1');
  const tls = { cert: await readFile(server.certificate), key: await readFile(server.key) };
  const [secure, plain] = [await startMemoryRegistry(t, tls), await startMemoryRegistry(t)];
  const names = { 'registry.test:443': secure.host, 'plain.test:80': plain.host };
  const proxy = await startTestProxy(t, names, tls);
  const proxies = { httpProxy: proxy.address, httpsProxy: proxy.address };
  const trust = { ca: authority.certificate };
  const hosts = { [new URL(proxy.address).host]: trust, 'registry.test': trust };
  const access = testAccess(t, { proxies, hosts });
  for (const [registry, reference, plainHttp] of [
    [secure, 'registry.test/app:1', false],
    [plain, 'plain.test/app:1', true],
  ] as const) {
    const blob = registry.putBlob('app', content);
    assert.deepEqual(await collect(openSource(reference, { access, plainHttp }).blob(blob, { signal })), content);
  }
  assert.deepEqual(
    proxy.lines.map(line => line.replace(/v2.*/, '…')),
    ['CONNECT registry.test:443', 'GET http://plain.test/…'],
  );
  const stranger = testAccess(t, { proxies, hosts: { 'registry.test': trust }, clock: new HastyClock() });
  await assert.rejects(
    openSource('registry.test/app:1', { access: stranger }).manifest(AMD64, { signal }),
    code('unreachable', /verify the certificate of the proxy 127\.0\.0\.1/),
  );
});

test('says that it was the proxy, and what to do', async t => {
  const proxy = await startTestProxy(t, {});
  const proxies = { httpProxy: proxy.address, httpsProxy: proxy.address };
  const open = (plainHttp: boolean) =>
    openSource('registry.test/app:1', {
      access: testAccess(t, { proxies, clock: new HastyClock() }),
      plainHttp,
    }).manifest(AMD64, { signal });
  proxy.user = 'ada:s3cret';
  await assert.rejects(open(false), code('unauthorized', /^registry\.test\/app:1: the proxy wants a user name/));
  await assert.rejects(open(true), code('unauthorized', /^registry\.test\/app:1: .*the proxy wants a user name/));
  proxy.user = undefined;
  proxy.refuse = 403;
  await assert.rejects(
    open(false),
    code('unreachable', /the proxy 127\.0\.0\.1:\d+ refuses a tunnel to registry\.test/),
  );
  proxy.silent = true;
  const timeouts = { ...DEFAULT_TIMEOUTS, connectMs: 300 };
  const impatient = testAccess(t, { proxies, clock: new HastyClock(), timeouts });
  await assert.rejects(
    openSource('registry.test/app:1', { access: impatient }).manifest(AMD64, { signal }),
    code('timeout', /no connection to registry\.test through the proxy 127\.0\.0\.1:\d+ in time/),
  );
  await proxy.close();
  await assert.rejects(
    open(false),
    code('unreachable', /registry\.test through the proxy 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
  );
});
