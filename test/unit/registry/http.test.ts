import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { readAll } from '../../../registry/body.ts';
import { MAX_SOCKETS_PER_HOST } from '../../../registry/connections.ts';
import type { HttpOptions, HttpRequest } from '../../../registry/http.ts';
import { DEFAULT_TIMEOUTS, HttpClient } from '../../../registry/http.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { ScriptedDispatcher } from '../../support/scripted-dispatcher.ts';
import { bytesBeforeError, collect } from '../../support/streams.ts';
import { until } from '../../support/until.ts';

const signal = new AbortController().signal;
const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url: new URL(url),
  what: 'the image',
  signal,
  ...more,
});

function client(t: Ending, options?: HttpOptions): HttpClient {
  const http = new HttpClient(options);
  t.after(() => http.close());
  return http;
}

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  assert.ok(error.message.startsWith('the image: '), error.message);
  return true;
};

test('authorization stays with the origin that it is for, along all redirects', async () => {
  const dispatcher = new ScriptedDispatcher({
    'GET https://r.example/a': { status: 302, headers: { location: '/b' } },
    'GET https://r.example/b': { status: 307, headers: { location: 'https://r.example:8443/c' } },
    'GET https://r.example:8443/c': { status: 301, headers: { location: 'https://cdn.example/d?x=1' } },
    'GET https://cdn.example/d?x=1': { status: 308, headers: { location: 'https://r.example/e' } },
    'GET https://r.example/e': { status: 200, body: 'here' },
  });
  const http = new HttpClient({ dispatcher });
  const response = await http.send(
    get('https://r.example/a', { authorization: 'secret', headers: { range: 'bytes=0-1' } }),
  );
  assert.equal(Buffer.from(await readAll(response.body, 10, 'x')).toString(), 'here');
  assert.equal(response.url.href, 'https://r.example/e');
  const seen = dispatcher.requests.map(({ headers }) => [headers['authorization'], headers['range']]);
  const [ours, theirs] = [
    ['secret', 'bytes=0-1'],
    [undefined, 'bytes=0-1'],
  ];
  assert.deepEqual(seen, [ours, ours, theirs, theirs, theirs]);
});

test('refuses redirects that loop, leave TLS or leave HTTP', async () => {
  const http = new HttpClient({
    dispatcher: new ScriptedDispatcher({
      'GET https://r.example/loop': { status: 302, headers: { location: '/loop' } },
      'GET https://r.example/down': { status: 302, headers: { location: 'http://r.example/plain' } },
      'GET https://r.example/file': { status: 302, headers: { location: 'file:///etc/passwd' } },
    }),
  });
  await assert.rejects(http.send(get('https://r.example/loop')), code('unsupported', /more than 5 redirects/));
  await assert.rejects(
    http.send(get('https://r.example/down')),
    code('unsupported', /from https to http:\/\/r\.example/),
  );
  await assert.rejects(http.send(get('https://r.example/file')), code('unsupported', /no HTTP address/));
});

test('does not follow redirects of requests that change something', async () => {
  const dispatcher = new ScriptedDispatcher({
    'PUT https://r.example/a': { status: 307, headers: { location: 'https://r.example/b' } },
  });
  const response = await new HttpClient({ dispatcher }).send(get('https://r.example/a', { method: 'PUT' }));
  assert.equal(response.status, 307);
  assert.equal(dispatcher.requests.length, 1);
});

test('says unreachable for a host that refuses, and unreachable for one that breaks off', async t => {
  const registry = await startMemoryRegistry(t);
  const { digest } = registry.putBlob('app', noise(200_000, 'x'));
  const http = client(t);
  const url = `http://${registry.host}/v2/app/blobs/${digest}`;
  registry.knobs.cutBodiesAfter = 50_000;
  const response = await http.send(get(url));
  const { bytes, error } = await bytesBeforeError(response.body);
  code('unreachable', /cannot reach 127\.0\.0\.1/)(error);
  assert.ok(bytes <= 50_000);
  await registry.goAway();
  await assert.rejects(http.send(get(url)), code('unreachable', /ECONNREFUSED/));
});

test('says how to go on when a registry without TLS is spoken to with TLS', async t => {
  const registry = await startMemoryRegistry(t);
  await assert.rejects(client(t).send(get(`https://${registry.host}/v2/`)), error => {
    code('unreachable', /--plain-http/)(error);
    assert.ok(isShoalError(error) && !error.retryable);
    return true;
  });
});

test('gives up on an answer that does not come and on a body that does not go on', async t => {
  const registry = await startMemoryRegistry(t);
  const { digest } = registry.putBlob('app', noise(400_000, 'x'));
  const http = client(t, { timeouts: { ...DEFAULT_TIMEOUTS, answerMs: 500, progressMs: 500 } });
  const url = `http://${registry.host}/v2/app/blobs/${digest}`;
  registry.pause();
  await assert.rejects(http.send(get(url)), code('timeout', /stopped answering/));
  registry.resume();
  registry.knobs.bytesPerSecond = 200_000;
  const response = await http.send(get(url));
  registry.pause();
  code('timeout', /stopped answering/)((await bytesBeforeError(response.body)).error);
});

test('lets a slow but moving body take as long as it takes', async t => {
  const registry = await startMemoryRegistry(t);
  const content = noise(200_000, 'x');
  const { digest } = registry.putBlob('app', content);
  registry.knobs.bytesPerSecond = 100_000;
  const http = client(t, { timeouts: { ...DEFAULT_TIMEOUTS, answerMs: 1000, progressMs: 1000 } });
  const response = await http.send(get(`http://${registry.host}/v2/app/blobs/${digest}`));
  assert.deepEqual(await collect(response.body), content);
});

test('an abort closes the socket, whether it waits for the answer or for the body', async t => {
  const registry = await startMemoryRegistry(t);
  const { digest } = registry.putBlob('app', noise(5_000_000, 'x'));
  const http = client(t);
  const url = `http://${registry.host}/v2/app/blobs/${digest}`;
  const controller = new AbortController();
  const response = await http.send(get(url, { signal: controller.signal }));
  registry.pause();
  const waiting = http.send(get(url, { signal: controller.signal }));
  await until(() => registry.openSockets() === 2, 'two sockets');
  controller.abort();
  await assert.rejects(waiting, error => isShoalError(error, 'aborted'));
  await assert.rejects(collect(response.body), error => isShoalError(error, 'aborted'));
  await until(() => registry.openSockets() === 0, 'no sockets');
});

test('opens a bounded number of sockets and serves everybody', async t => {
  const registry = await startMemoryRegistry(t);
  const { digest } = registry.putBlob('app', noise(1000, 'x'));
  const http = client(t);
  registry.pause();
  const count = 3 * MAX_SOCKETS_PER_HOST;
  const requests = Array.from({ length: count }, async () => {
    const response = await http.send(get(`http://${registry.host}/v2/app/blobs/${digest}`));
    await response.discard();
    return response.status;
  });
  await until(() => registry.requests.length === MAX_SOCKETS_PER_HOST, 'all sockets in use');
  assert.equal(registry.openSockets(), MAX_SOCKETS_PER_HOST);
  registry.resume();
  assert.deepEqual(new Set(await Promise.all(requests)), new Set([200]));
  assert.equal(registry.requests.length, count);
  assert.ok(registry.openSockets() <= MAX_SOCKETS_PER_HOST);
});

test('closing rejects what is under way', async t => {
  const registry = await startMemoryRegistry(t);
  registry.pause();
  const http = client(t);
  const waiting = assert.rejects(http.send(get(`http://${registry.host}/v2/`)), code('aborted', /were closed/));
  await until(() => registry.requests.length === 1, 'the request');
  await http.close();
  await waiting;
});

test('a client that was prepared answers requests, and one that was closed is not prepared any more', async t => {
  const registry = await startMemoryRegistry(t);
  const http = client(t);
  await http.prepare();
  const response = await http.send(get(`http://${registry.host}/v2/`));
  assert.equal(response.status, 200);
  await response.discard();
  const closed = client(t);
  await closed.close();
  await assert.rejects(closed.prepare(), { code: 'aborted' });
});

test('a connection that breaks is an error of the request, and nothing is thrown into its body', async t => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.cutUploadsAfter = 40_000;
  let thrown: unknown;
  let closed = false;
  async function* body() {
    try {
      for (let piece = 0; piece < 1_000; piece++) yield new Uint8Array(64 << 10);
    } catch (error) {
      thrown = error;
      throw error;
    } finally {
      closed = true;
    }
  }
  const http = client(t);
  const opened = await http.send({ ...get(`http://${registry.host}/v2/app/blobs/uploads/`), method: 'POST' });
  await opened.discard();
  const url = `http://${registry.host}${opened.header('location') ?? ''}`;
  const headers = { 'content-length': String(1_000 * (64 << 10)) };
  const sent = http.send({ ...get(url), method: 'PATCH', headers, body: body() });
  await assert.rejects(sent, code('unreachable', /./));
  await until(() => closed, 'for the body to be closed');
  assert.equal(thrown, undefined);
});
