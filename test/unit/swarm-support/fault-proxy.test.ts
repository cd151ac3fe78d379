import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { FaultProxy } from '../../support/swarm/fault-proxy.ts';
import type { OriginFault } from '../../support/swarm/origin-faults.ts';
import { SeededRandom } from '../../support/swarm/random.ts';
import { TrickleRelay } from '../../support/swarm/trickle-relay.ts';

const BODY = Buffer.from('0123456789'.repeat(500));

async function startProxy(t: TestContext): Promise<FaultProxy> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': BODY.length }).end(BODY);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const target = { host: '127.0.0.1', port };
  const proxy = new FaultProxy({ listen: { host: '127.0.0.1', port: 0 }, target, seed: 7 });
  await proxy.start();
  t.after(() => proxy.stop());
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection broke before the end. */
  readonly broke: boolean;
}

function ask(proxy: FaultProxy, path = '/v2/app/blobs/x'): Promise<Answer> {
  return new Promise((done, fail) => {
    const request = get({ host: '127.0.0.1', port: proxy.port, path, agent: false }, async answer => {
      const pieces: Buffer[] = [];
      let broke = false;
      try {
        for await (const piece of answer) pieces.push(piece);
      } catch {
        broke = true;
      }
      done({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces), broke });
    });
    request.once('error', fail);
  });
}

test('without a fault everything passes as it is', async t => {
  const proxy = await startProxy(t);
  const { status, body, broke } = await ask(proxy);
  assert.deepEqual([status, body.equals(BODY), broke, proxy.faulted], [200, true, false, 0]);
});

const FAULTS: readonly (readonly [OriginFault, (answer: Answer) => boolean])[] = [
  [
    { kind: 'status', status: 429, retryAfterS: 2, share: 1 },
    ({ status, headers }) => status === 429 && headers['retry-after'] === '2',
  ],
  [{ kind: 'cut', share: 1 }, ({ broke, body }) => broke && body.length < BODY.length],
  [
    { kind: 'wrong-length', share: 1 },
    ({ broke, body, headers }) =>
      !broke && body.length !== BODY.length && Number(headers['content-length']) === body.length,
  ],
  [
    { kind: 'wrong-bytes', share: 1 },
    ({ body }) => body.length === BODY.length && body.filter((byte, at) => byte !== BODY[at]).length === 1,
  ],
];

for (const [fault, isAsMeant] of FAULTS) {
  test(`the fault ${fault.kind} meets blobs and nothing else`, async t => {
    const proxy = await startProxy(t);
    await proxy.set([fault]);
    for (let time = 0; time < 5; time++) assert.ok(isAsMeant(await ask(proxy)));
    assert.equal(proxy.faulted, 5);
    const manifest = await ask(proxy, '/v2/app/manifests/latest');
    assert.deepEqual([manifest.status, manifest.body.equals(BODY)], [200, true]);
    await proxy.set([]);
    assert.ok((await ask(proxy)).body.equals(BODY));
  });
}

test('an origin that is gone refuses connections, and is back at the same port', async t => {
  const proxy = await startProxy(t);
  await ask(proxy);
  const { port } = proxy;
  await proxy.set([{ kind: 'gone' }]);
  await assert.rejects(ask(proxy), { code: 'ECONNREFUSED' });
  await proxy.set([]);
  assert.equal(proxy.port, port);
  assert.ok((await ask(proxy)).body.equals(BODY));
});

test('a trickle lets the first bytes pass, and then one at a time', async t => {
  const target = createTcpServer(socket => socket.end('abcdefgh'));
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  t.after(() => target.close());
  const { port } = target.address() as AddressInfo;
  const relay = new TrickleRelay({ target: { host: '127.0.0.1', port }, freeBytes: 4, everyMs: 5 });
  const relayPort = await relay.start('127.0.0.1', 0);
  t.after(() => relay.stop());
  const socket = connect(relayPort, '127.0.0.1');
  t.after(() => socket.destroy());
  const sizes: number[] = [];
  let text = '';
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    sizes.push(bytes.length);
    text += bytes.toString();
  }
  assert.equal(text, 'abcdefgh');
  assert.ok(sizes.length >= 3, `came in ${sizes.length} pieces`);
});

test('the same seed draws the same', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return [random.next(), random.between(3, 4), ...random.pick(['a', 'b', 'c', 'd'], 3)];
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
  assert.equal(new Set(draw(5).slice(2)).size, 3);
});
