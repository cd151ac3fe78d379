import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Descriptor } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { openSink, openSource } from '../../../registry/index.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { HastyClock } from '../../support/manual-clock.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { document } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';

const signal = new AbortController().signal;
const { descriptor, bytes } = document(noise(300_000, 'sink'), 'application/octet-stream');

async function setup(t: Ending, mountFrom?: string) {
  const registry = await startMemoryRegistry(t);
  const access = testAccess(t, { clock: new HastyClock() });
  const from = mountFrom && `${registry.host}/${mountFrom}`;
  return { registry, sink: openSink(`${registry.host}/app:1`, { access, plainHttp: true, mountFrom: from }) };
}

/** The content, and how often it was asked for. */
function content(of: Uint8Array = bytes) {
  const counted = { asked: 0, open: () => inPieces(of, 10_000) };
  return {
    counted,
    read: () => {
      counted.asked++;
      return counted.open();
    },
  };
}

test('mounts a blob from another repository instead of sending it', async t => {
  const { registry, sink } = await setup(t, 'base:1');
  registry.putBlob('base', bytes);
  const { counted, read } = content();
  assert.equal(await sink.putBlob(descriptor, read, { signal }), 'mounted');
  assert.equal(counted.asked, 0);
  assert.equal(await sink.hasBlob(descriptor.digest, { signal }), true);
});

test('sends a blob that cannot be mounted', async t => {
  const { registry, sink } = await setup(t, 'base:1');
  assert.equal(await sink.putBlob(descriptor, content().read, { signal }), 'written');
  assert.ok(registry.repository('app').blobs.get(descriptor.digest)?.equals(bytes));
  assert.equal(registry.requestsTo('mount=').length, 1);
});

for (const status of [401, 403]) {
  test(`sends a blob when the repository to mount from is not ours to read (${status})`, async t => {
    const { registry, sink } = await setup(t, 'base:1');
    registry.failNext({ status, matching: 'mount=', count: 10 });
    assert.equal(await sink.putBlob(descriptor, content().read, { signal }), 'written');
    const other = document(noise(1000, 'other'), 'application/octet-stream');
    assert.equal(await sink.putBlob(other.descriptor, content(other.bytes).read, { signal }), 'written');
    assert.equal(registry.requestsTo('mount=').length, 1, 'asked once, not for every blob');
  });
}

test('asks for a token that covers the repository it mounts from', async t => {
  const { registry, sink } = await setup(t, 'base:1');
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  registry.putBlob('base', bytes);
  assert.equal(await sink.putBlob(descriptor, content().read, { signal }), 'mounted');
  assert.match(
    registry.requestsTo('/token').at(-1)?.path ?? '',
    /scope=repository%3Aapp%3Apull%2Cpush&scope=repository%3Abase%3Apull/,
  );
});

test('sends the content again after a failure that may pass, and counts each byte once', async t => {
  const { registry, sink } = await setup(t);
  registry.failNext({ status: 503, matching: 'PUT' });
  registry.failNext({ status: 0, reset: true, matching: 'PUT' });
  const { counted, read } = content();
  let reported = 0;
  const onBytes = (count: number) => {
    reported += count;
  };
  assert.equal(await sink.putBlob(descriptor, read, { signal, onBytes }), 'written');
  assert.equal(counted.asked, 3);
  assert.equal(reported, bytes.length);
});

test('sends the content again with a new token when the old one ends between two requests', async t => {
  const { registry, sink } = await setup(t);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  const { counted, read } = content();
  const first = counted.open;
  counted.open = () => {
    // The registry decides when the body has arrived, so the token ends while it is under way.
    if (counted.asked === 1) registry.expireTokens();
    return first();
  };
  assert.equal(await sink.putBlob(descriptor, read, { signal }), 'written');
  assert.equal(counted.asked, 2);
});

test('goes on with a broken upload where the registry says it is, as often as it takes', async t => {
  const { registry, sink } = await setup(t);
  registry.knobs.cutUploadsAfter = 40_000;
  let reported = 0;
  const onBytes = (count: number) => {
    reported += count;
  };
  assert.equal(await sink.putBlob(descriptor, content().read, { signal, onBytes }), 'written');
  assert.ok(registry.repository('app').blobs.get(descriptor.digest)?.equals(bytes));
  assert.equal(reported, bytes.length);
  const ranges = registry.requestsTo('PATCH').map(({ headers }) => headers['content-range']);
  assert.equal(ranges[0], '40000-299999');
  assert.equal(ranges.length, 7, 'each attempt moved it on by as much as got through');
  assert.equal(registry.requestsTo('POST').length, 1, 'one upload all along');
  const last = registry.requestsTo('PUT').at(-1);
  assert.equal(last?.headers['content-length'], '0');
  assert.match(last?.path ?? '', /state=.+&digest=sha256/, 'the newest address of the upload is used');
});

test('goes on with an upload that breaks while its content is still being read', async t => {
  const { registry, sink } = await setup(t);
  registry.knobs.cutUploadsAfter = 3 << 19;
  const large = document(noise(4 << 20, 'large sink'), 'application/octet-stream');
  assert.equal(await sink.putBlob(large.descriptor, content(large.bytes).read, { signal }), 'written');
  assert.ok(registry.repository('app').blobs.get(large.descriptor.digest)?.equals(large.bytes));
  assert.equal(registry.requestsTo('POST').length, 1, 'one upload all along');
});

test('starts a new upload when the registry has lost the broken one, or cannot tell how far it is', async t => {
  for (const knobs of [
    { forgetUploads: true },
    { oddUploads: '0-0' },
    { oddUploads: 'nonsense' },
    { oddUploads: '0-300000' },
    { oddUploads: '0-99999' },
  ]) {
    const { registry, sink } = await setup(t);
    Object.assign(registry.knobs, knobs, { cutUploadsAfter: 40_000 });
    const { counted, read } = content();
    const first = counted.open;
    counted.open = () => {
      if (counted.asked > 1) registry.knobs.cutUploadsAfter = undefined;
      return first();
    };
    assert.equal(await sink.putBlob(descriptor, read, { signal }), 'written', JSON.stringify(knobs));
    assert.ok(registry.repository('app').blobs.get(descriptor.digest)?.equals(bytes));
    assert.equal(registry.requestsTo('POST').length, 2, JSON.stringify(knobs));
  }
});

test('an upload whose last answer got lost is found to be there', async t => {
  const { registry, sink } = await setup(t);
  const { counted, read } = content();
  const first = counted.open;
  counted.open = async function* () {
    yield* first();
    registry.putBlob('app', bytes); // committed, but the answer never comes
    registry.repository('app').uploads.clear();
    registry.failNext({ status: 0, reset: true, matching: 'GET' });
  };
  registry.failNext({ status: 503, matching: 'PUT' });
  assert.equal(await sink.putBlob(descriptor, read, { signal }), 'present');
  assert.equal(counted.asked, 1);
});

test('a resumed upload of content that is wrong is never committed', async t => {
  const { registry, sink } = await setup(t);
  registry.knobs.cutUploadsAfter = 40_000;
  const wrong = Buffer.from(bytes);
  wrong[200_000] = (wrong[200_000] ?? 0) ^ 1;
  const put = sink.putBlob(descriptor, content(wrong).read, { signal });
  await assert.rejects(put, error => isShoalError(error, 'digest-mismatch'));
  assert.equal(registry.repository('app').blobs.size, 0);
});

test('does not retry what the registry refuses for good', async t => {
  const { registry, sink } = await setup(t);
  registry.failNext({ status: 413, matching: 'PUT' });
  const { counted, read } = content();
  await assert.rejects(sink.putBlob(descriptor, read, { signal }), error => {
    assert.ok(isShoalError(error, 'unsupported'));
    assert.match(error.message, /app:1: upload of blob sha256:[0-9a-f]{64}: .* answered 413/);
    return true;
  });
  assert.equal(counted.asked, 1);
});

test('a wrong stream is cut before its last piece, so the registry never has a whole upload', async t => {
  const { registry, sink } = await setup(t);
  const wrong = Buffer.from(bytes);
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  const put = sink.putBlob(descriptor, content(wrong).read, { signal });
  await assert.rejects(put, error => isShoalError(error, 'digest-mismatch'));
  assert.deepEqual([...registry.repository('app').uploads.values()], [[]]);
});

test('refuses a target that is named by a digest', async t => {
  const access = testAccess(t);
  assert.throws(
    () => openSink(`r.example/app@${descriptor.digest}`, { access }),
    error => isShoalError(error, 'usage'),
  );
});

test("mounts between repositories of Debian's registry", { skip: noDockerRegistry }, async t => {
  const registry = await startDockerRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  const base: Descriptor = descriptor;
  await openSink(`${registry.host}/base:1`, options).putBlob(base, content().read, { signal });
  const sink = openSink(`${registry.host}/app:1`, { ...options, mountFrom: `${registry.host}/base:1` });
  assert.equal(await sink.putBlob(base, content().read, { signal }), 'mounted');
});

test("an upload to Debian's registry that breaks on the way arrives all the same", {
  skip: noDockerRegistry,
}, async t => {
  const registry = await startDockerRegistry(t);
  const relay = await startRelay(t, registry.host, 150_000);
  const access = testAccess(t, { clock: new HastyClock() });
  const sink = openSink(`${relay.host}/app:1`, { access, plainHttp: true });
  assert.equal(await sink.putBlob(descriptor, content().read, { signal }), 'written');
  assert.equal(relay.cuts, 1);
  const direct = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  assert.ok((await collect(direct.blob(descriptor, { signal }))).equals(bytes));
});

/** Passes bytes on to `host`; the first connection that has carried so many towards it is cut. */
async function startRelay(t: Ending, host: string, cutAfter: number) {
  const [hostname = '', port] = host.split(':');
  const state = { host: '', cuts: 0 };
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const onward = connect(Number(port), hostname);
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on('error', () => {}); // cut, by us or by the other end
    }
    let carried = 0;
    onward.pipe(client);
    client.pipe(onward);
    client.on('data', piece => {
      carried += piece.length;
      if (carried < cutAfter || state.cuts > 0) return;
      state.cuts++;
      client.destroy();
      onward.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  state.host = `127.0.0.1:${address.port}`;
  return state;
}
