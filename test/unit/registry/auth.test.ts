import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { Authenticator } from '../../../registry/auth.ts';
import { registryEndpoint } from '../../../registry/endpoint.ts';
import { HostSettings } from '../../../registry/host-settings.ts';
import { HttpClient } from '../../../registry/http.ts';
import { type Credential, credentialOf, openSink, openSource, RegistryAccess } from '../../../registry/index.ts';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { publishTo, testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { ScriptedDispatcher } from '../../support/scripted-dispatcher.ts';
import { collect } from '../../support/streams.ts';
import { until } from '../../support/until.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const CALLERS = 20;
const content = noise(100_000, 'auth');
const user = { kind: 'password', username: 'ada', password: 'correct horse' } as const;
const credentials = async () => user;

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  assert.ok(!error.message.includes(user.password), 'the message holds a password');
  return true;
};

test('many requests at once share one token, and one new token when it is refused', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  const blob = registry.putBlob('app', content);
  const source = openSource(`${registry.host}/app:1`, { access: testAccess(t), plainHttp: true });
  const readAllAtOnce = () =>
    Promise.all(Array.from({ length: CALLERS }, () => collect(source.blob(blob, { signal }))));
  for (const bytes of await readAllAtOnce()) assert.deepEqual(bytes, content);
  assert.equal(registry.requestsTo('/token').length, 1);
  registry.expireTokens();
  for (const bytes of await readAllAtOnce()) assert.deepEqual(bytes, content);
  assert.equal(registry.requestsTo('/token').length, 2);
  const before = registry.requestsTo('/blobs/').length;
  await readAllAtOnce();
  assert.equal(registry.requestsTo('/blobs/').length - before, CALLERS, 'a known token is sent along at once');
});

test('asks for a token for what it does, and for a new one before the old one expires', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { tokenSeconds: 100, ...user, kind: 'bearer' };
  const blob = registry.putBlob('team/app', content);
  const clock = new ManualClock();
  const access = testAccess(t, { clock, credentials });
  const source = openSource(`${registry.host}/team/app:1`, { access, plainHttp: true });
  await collect(source.blob(blob, { signal }));
  const [first] = registry.requestsTo('/token');
  assert.equal(first?.path, '/token?service=memory&scope=repository%3Ateam%2Fapp%3Apull');
  await clock.advance(89_000);
  await collect(source.blob(blob, { signal }));
  assert.equal(registry.requestsTo('/token').length, 1);
  await clock.advance(2_000);
  const refusedBefore = registry.requestsTo('/blobs/').length;
  await collect(source.blob(blob, { signal }));
  assert.equal(registry.requestsTo('/token').length, 2);
  assert.equal(registry.requestsTo('/blobs/').length - refusedBefore, 1, 'the old token was not tried first');
  await openSink(`${registry.host}/team/app:2`, { access, plainHttp: true }).putManifest(Buffer.from('{}'), 'm', {
    signal,
  });
  assert.match(registry.requestsTo('/token').at(-1)?.path ?? '', /scope=repository%3Ateam%2Fapp%3Apull%2Cpush/);
});

test('credentials and tokens never reach the place that blobs are redirected to', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.redirectBlobs = true;
  const blob = registry.putBlob('app', content);
  for (const auth of [
    { ...user, kind: 'basic' },
    { tokenSeconds: 300, ...user, kind: 'bearer' },
  ] as const) {
    registry.knobs.auth = auth;
    const source = openSource(`${registry.host}/app:1`, { access: testAccess(t, { credentials }), plainHttp: true });
    assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  }
  const atStorage = registry.requests.filter(({ origin }) => origin === 'storage');
  assert.equal(atStorage.length, 2);
  assert.deepEqual(
    atStorage.map(({ headers }) => headers.authorization),
    [undefined, undefined],
  );
});

test('a token of one registry is never sent to another one', async t => {
  const [mine, other] = [await startMemoryRegistry(t), await startMemoryRegistry(t)];
  mine.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  const blob = mine.putBlob('app', content);
  other.putBlob('app', content);
  const access = testAccess(t);
  await collect(openSource(`${mine.host}/app:1`, { access, plainHttp: true }).blob(blob, { signal }));
  await collect(openSource(`${other.host}/app:1`, { access, plainHttp: true }).blob(blob, { signal }));
  assert.equal(other.requests.length, 1);
  assert.equal(other.requests[0]?.headers.authorization, undefined);
});

test('says which image is refused, with and without credentials', async t => {
  const registry = await startMemoryRegistry(t);
  const name = `${registry.host}/team/app:1`;
  const open = (lookup = async (): Promise<Credential | undefined> => undefined) =>
    openSource(name, { access: testAccess(t, { credentials: lookup }), plainHttp: true }).manifest(AMD64, { signal });
  const wrong = async () => ({ ...user, password: 'wrong' });
  const named = new RegExp(`^${name}: `);
  registry.knobs.auth = { ...user, kind: 'basic' };
  await assert.rejects(open(), code('unauthorized', named));
  await assert.rejects(open(wrong), code('unauthorized', named));
  assert.equal(registry.requestsTo('manifests').length, 3, 'refused credentials are tried once');
  registry.knobs.auth = { tokenSeconds: 300, ...user, kind: 'bearer' };
  await assert.rejects(open(), code('unauthorized', named));
  await assert.rejects(open(wrong), code('unauthorized', named));
  await assert.rejects(open(credentials), code('not-found', /team\/app:1: manifest: not found; .*MANIFEST_UNKNOWN/));
});

test('a registry that asked for a password for one image still gives another one without', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  const source = openSource(`${registry.host}/app:1`, { access: testAccess(t), plainHttp: true });
  registry.failNext({ status: 401, headers: { 'www-authenticate': 'Basic realm="private"' } });
  await assert.rejects(source.manifest(AMD64, { signal }), code('unauthorized', /there are none for it/));
  assert.deepEqual(await collect(source.blob(blob, { signal })), content);
});

test('one caller that leaves does not take the token of the others with it', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  registry.knobs.delayMs = 20;
  const blob = registry.putBlob('app', content);
  const source = openSource(`${registry.host}/app:1`, { access: testAccess(t), plainHttp: true });
  const controller = new AbortController();
  const leaving = assert.rejects(collect(source.blob(blob, { signal: controller.signal })), error =>
    isShoalError(error, 'aborted'),
  );
  while (registry.requestsTo('/token').length === 0) await new Promise(resolve => setImmediate(resolve));
  // The registry's demand is known by now, so this one joins the request for the token before it asks for the blob.
  const staying = collect(source.blob(blob, { signal }));
  await new Promise(resolve => setImmediate(resolve));
  controller.abort();
  await leaving;
  assert.deepEqual(await staying, content);
  assert.equal(registry.requestsTo('/token').length, 1);
});

test("finds Docker Hub's API and its token service on another host", async () => {
  const manifest = sampleImage().manifests[0];
  assert.ok(manifest);
  const path = 'https://registry-1.docker.io/v2/library/app/manifests/latest';
  const dispatcher = new ScriptedDispatcher({
    [`GET ${path}`]: [
      {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"' },
      },
      { status: 200, body: manifest.bytes.toString() },
    ],
    'GET https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fapp%3Apull': {
      status: 200,
      body: JSON.stringify({ access_token: 'abc' }),
    },
  });
  const asked: string[] = [];
  const lookup = async (host: string) => {
    asked.push(host);
    return user;
  };

  const source = openSource('app', { access: new RegistryAccess({ dispatcher, credentials: lookup }) });
  assert.equal((await source.manifest(AMD64, { signal })).digest, manifest.descriptor.digest);
  assert.deepEqual(asked, ['docker.io']);
  const sent = dispatcher.requests.map(({ headers }) => headers['authorization']?.split(' ')[0]);
  assert.deepEqual(sent, [undefined, 'Basic', 'Bearer']);
  assert.equal(dispatcher.requests[2]?.headers['authorization'], 'Bearer abc');
});

test('refuses demands that would leak or make no sense', async () => {
  const cases = [
    ['Bearer realm="http://auth.example/token"', 'unsupported', /without TLS/],
    ['Bearer realm="file:///etc/passwd"', 'malformed', /no usable token service/],
    ['Bearer service="x"', 'malformed', /no usable token service/],
    ['Negotiate', 'unauthorized', /asks for negotiate/],
    ['', 'unauthorized', /nothing we know/],
  ] as const;

  for (const [demand, expected, message] of cases) {
    const dispatcher = new ScriptedDispatcher({
      'GET https://r.example/v2/app/manifests/1': { status: 401, headers: { 'www-authenticate': demand } },
    });
    const source = openSource('r.example/app:1', { access: new RegistryAccess({ dispatcher, credentials }) });
    await assert.rejects(source.manifest(AMD64, { signal }), code(expected, message));
    assert.equal(dispatcher.requests.length, 1);
  }
});

test('does not answer a demand of the place that a blob is redirected to', async () => {
  const image = sampleImage();
  const [layer] = image.layers;
  assert.ok(layer);
  const path = `/v2/app/blobs/${layer.descriptor.digest}`;
  const dispatcher = new ScriptedDispatcher({
    [`GET https://r.example${path}`]: { status: 307, headers: { location: 'https://cdn.example/x' } },
    'GET https://cdn.example/x': { status: 401, headers: { 'www-authenticate': 'Basic realm="give me"' } },
  });

  const source = openSource('r.example/app:1', { access: new RegistryAccess({ dispatcher, credentials }) });
  await assert.rejects(
    collect(source.blob(layer.descriptor, { signal })),
    code('unauthorized', /^r\.example\/app:1: /),
  );
  assert.equal(dispatcher.requests.length, 2);
});

test('exchanges an identity token for access tokens, and keeps the one that replaces it', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300, username: 'nobody' };
  const identity = async () => credentialOf('<token>', 'long-lived');
  registry.knobs.identityToken = 'long-lived';
  registry.knobs.renewIdentity = true;
  const access = testAccess(t, { credentials: identity });
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await collect(source.blob(blob, { signal })), content);
    registry.expireTokens();
  }
  assert.equal(registry.requestsTo('POST /token').length, 3);
  assert.equal(registry.requestsTo('GET /token').length, 0);
  registry.knobs.identityToken = 'something else';
  await assert.rejects(collect(source.blob(blob, { signal })), code('unauthorized', /token for 127\.0\.0\.1/));
  registry.knobs.identityToken = 'long-lived';
  assert.deepEqual(await collect(source.blob(blob, { signal })), content, 'the configured one is tried again');
});

test('asks a token service that knows no POST the old way', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300, username: '', password: 'long-lived' };
  registry.knobs.tokenPosts = false;
  const access = testAccess(t, { credentials: async () => credentialOf('<token>', 'long-lived') });
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  assert.equal(registry.requestsTo('GET /token').length, 1);
});

test('an identity token is no password, and that is said', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { ...user, kind: 'basic' };
  const access = testAccess(t, { credentials: async () => credentialOf('<token>', 'long-lived') });
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  await assert.rejects(source.manifest(AMD64, { signal }), code('unauthorized', /there is only an identity token/));
});

test('a password that changes is used as soon as the old one is refused, by everybody who waits', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.auth = { ...user, kind: 'basic' };
  let current: Credential = user;
  let asked = 0;
  const lookup = async () => {
    asked++;
    return current;
  };
  const access = testAccess(t, { credentials: lookup });
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  await collect(source.blob(blob, { signal }));
  registry.knobs.auth = { kind: 'basic', username: 'ada', password: 'changed' };
  current = credentialOf('ada', 'changed');
  const readAllAtOnce = Array.from({ length: CALLERS }, () => collect(source.blob(blob, { signal })));
  for (const bytes of await Promise.all(readAllAtOnce)) assert.deepEqual(bytes, content);
  assert.equal(asked, 2, 'once at first, once after the change');
});

test('who joined a look at the old password looks again when that is refused', async () => {
  const answers: PromiseWithResolvers<Credential>[] = [];
  const lookup = () => {
    const answer = Promise.withResolvers<Credential>();
    answers.push(answer);
    return answer.promise;
  };
  const http = new HttpClient({ dispatcher: new ScriptedDispatcher({}) });
  const auth = new Authenticator({ http, credentials: lookup, clock: new ManualClock() });
  const endpoint = registryEndpoint('r.example', {}, new HostSettings());
  const request = { endpoint, scopes: ['repository:app:pull'], what: 'r.example/app', signal };
  const first = auth.answer(request, 'Basic realm="x"', undefined);
  answers[0]?.resolve(user);
  const old = await first;
  const [asking, joining] = [
    auth.answer(request, 'Basic realm="x"', old),
    auth.answer(request, 'Basic realm="x"', old),
  ];
  assert.equal(answers.length, 2);
  answers[1]?.resolve(user); // looked before the password changed
  await assert.rejects(asking, code('unauthorized', /refused our credentials/));
  await until(() => answers.length === 3, 'another look');
  answers[2]?.resolve(credentialOf('ada', 'changed'));
  assert.equal(await joining, `Basic ${Buffer.from('ada:changed').toString('base64')}`);
});

test('what one credential is let in with never serves an image that was opened without', async t => {
  const registry = await startMemoryRegistry(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.auth = { tokenSeconds: 300, ...user, kind: 'bearer' };
  const access = testAccess(t);
  const mine = access.withCredential(registry.host, credentials);
  const open = (through: RegistryAccess) => openSource(`${registry.host}/app:1`, { access: through, plainHttp: true });
  assert.deepEqual(await collect(open(mine).blob(blob, { signal })), content);
  await assert.rejects(collect(open(access).blob(blob, { signal })), code('unauthorized', /token for/));
});

test("passes basic auth of Debian's registry in both directions", { skip: noDockerRegistry }, async t => {
  const registry = await startDockerRegistry(t, { user: { name: user.username, password: user.password } });
  const image = sampleImage();
  const access = testAccess(t, { credentials });
  await publishTo(`${registry.host}/app:1`, image, { access, plainHttp: true });
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  assert.equal((await source.manifest(AMD64, { signal })).digest, image.manifests[0]?.descriptor.digest);
  const nobody = openSource(`${registry.host}/app:1`, { access: testAccess(t), plainHttp: true });
  await assert.rejects(nobody.manifest(AMD64, { signal }), code('unauthorized', /there are none for it/));
});
