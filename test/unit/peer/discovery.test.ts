// Peers of a task without a scheduler: those on disk, whatever the file holds, and the DHT of real nodes on 127.0.0.1.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import { type KadDHT, kadDHT, type SingleKadDHT } from '@libp2p/kad-dht';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { type LogFields, type Logger, silentLogger, systemClock } from '../../../core/index.ts';
import { dhtSettings, KnownPeers, type PeerAddress, PeerDiscovery } from '../../../peer/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { taskId } from '../../support/scheduled-node.ts';
import { until } from '../../support/until.ts';

const PORTS = { clock: systemClock, log: silentLogger };

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shoal-test-known-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function someId(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString();
}

function peer(peerId: string, port = 1): PeerAddress {
  return { peerId, addresses: [`/ip4/10.0.0.1/tcp/${port}`] };
}

test('remembered peers are there after a restart, the latest first', async t => {
  const path = join(directory(t), 'peers.json');
  const [a, b] = [await someId(), await someId()];
  const known = await KnownPeers.open(path, PORTS);
  known.remember(peer(a));
  known.remember(peer(b));
  known.remember(peer(a, 2));
  await known.close();
  assert.deepEqual((await KnownPeers.open(path, PORTS)).list(), [peer(a, 2), peer(b)]);
  assert.deepEqual(readdirSync(join(path, '..')), ['peers.json']);
});

test('news is written after a while without being asked, and a peer seen again is no news', async t => {
  const path = join(directory(t), 'peers.json');
  const clock = new ManualClock();
  const known = await KnownPeers.open(path, { clock, log: silentLogger });
  const id = await someId();
  known.remember(peer(id));
  known.remember(peer(id));
  assert.equal(clock.sleeps.length, 1);
  await clock.advance(10_000);
  await until(() => existsSync(path), 'the file');
  known.remember(peer(id));
  assert.equal(clock.sleeps.length, 1);
  await known.close();
});

test('of too many peers the oldest are forgotten', async t => {
  const path = join(directory(t), 'peers.json');
  const known = await KnownPeers.open(path, PORTS);
  const ids = await Promise.all(Array.from({ length: 300 }, someId));
  for (const id of ids) known.remember(peer(id));
  await known.close();
  const left = (await KnownPeers.open(path, PORTS)).list().map(({ peerId }) => peerId);
  assert.deepEqual(left, ids.slice(-128).reverse());
});

const good = await someId();
const entry = (value: unknown) => JSON.stringify({ version: 1, peers: [value, peer(good)] });
for (const [what, content, left] of [
  ['is cut off', '{"version":1,"peers":[{"peerId":"12D3', 0],
  ['is empty', '', 0],
  ['holds something else', '[1,2,3]', 0],
  ['is of another version', JSON.stringify({ version: 2, peers: [peer(good)] }), 0],
  ['is too large', `{"version":1,"peers":[],"x":"${'x'.repeat(3 << 20)}"}`, 0],
  ['has null for a peer', entry(null), 1],
  ['has a peer id that is none', entry(peer('../../etc/passwd')), 1],
  ['has an address that is none', entry({ peerId: good, addresses: ['http://x', 7, 'x'.repeat(10_000)] }), 1],
  ['has a peer without addresses', entry({ peerId: good, addresses: [] }), 1],
  ['has thousands of addresses', entry({ peerId: good, addresses: Array(5_000).fill('/ip4/1.1.1.1/tcp/1') }), 1],
  [
    'would reach the prototype',
    `{"version":1,"peers":[{"__proto__":{"peerId":"x"}},${JSON.stringify(peer(good))}]}`,
    1,
  ],
] as const) {
  test(`a file of known peers that ${what} is read as far as it makes sense`, async t => {
    const path = join(directory(t), 'peers.json');
    writeFileSync(path, content);
    const known = await KnownPeers.open(path, PORTS);
    assert.equal(known.list().length, left);
    for (const { addresses } of known.list()) assert.ok(addresses.length <= 4);
    const id = await someId();
    known.remember(peer(id));
    await known.close();
    const saved: { peers: PeerAddress[] } = JSON.parse(readFileSync(path, 'utf8'));
    assert.equal(saved.peers.at(-1)?.peerId, id);
  });
}

test('a pipe, a directory or a link in the place of the file keeps nobody from starting, and no link is written through', async t => {
  const folder = directory(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(join(folder, 'other'), 'untouched');
  symlinkSync(join(folder, 'other'), join(folder, 'link'));
  for (const name of ['pipe', 'link', '.'])
    assert.deepEqual((await KnownPeers.open(join(folder, name), PORTS)).list(), []);
  const known = await KnownPeers.open(join(folder, 'link'), PORTS);
  known.remember(peer(await someId()));
  await known.close();
  assert.equal(readFileSync(join(folder, 'other'), 'utf8'), 'untouched');
});

interface Swarmer {
  readonly discovery: PeerDiscovery;
  readonly peerId: string;
  readonly addresses: string[];
  readonly dht: SingleKadDHT;
  readonly lines: string[];
  readonly known: KnownPeers;
  readonly dial: (address: string) => Promise<void>;
}

async function swarmer(t: TestContext, bootstrap: readonly string[]): Promise<Swarmer> {
  const node = await createLibp2p<{ identify: unknown; ping: unknown; dht: KadDHT }>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), dht: kadDHT(dhtSettings) as () => KadDHT } as never,
  });
  const lines: string[] = [];
  const known = await KnownPeers.open(join(directory(t), 'peers.json'), PORTS);
  const dht = node.services.dht as SingleKadDHT;
  const discovery = new PeerDiscovery({ node, dht, known, clock: systemClock, log: recorder(lines) }, { bootstrap });
  discovery.start();
  t.after(async () => {
    await discovery.stop();
    await node.stop();
  });
  const dial = async (address: string) => void (await node.dial(multiaddr(address)));
  const addresses = node.getMultiaddrs().map(String);
  return { discovery, peerId: node.peerId.toString(), addresses, dht, lines, known, dial };
}

/** Everything above debug. */
function recorder(lines: string[]): Logger {
  const write = (message: string, _fields?: LogFields) => void lines.push(message);
  return { ...silentLogger, error: write, warn: write, info: write, with: () => recorder(lines) };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function found(discovery: PeerDiscovery, name: string): Promise<PeerAddress[]> {
  return collected(discovery.find(taskId(name), { signal: AbortSignal.timeout(20_000) }));
}

test('among several nodes the one that provides a task is found through the DHT, and a task nobody has is soon known absent', async t => {
  const first = await swarmer(t, []);
  const others = await Promise.all(Array.from({ length: 5 }, () => swarmer(t, first.addresses)));
  const all = [first, ...others];
  await until(() => all.every(({ dht }) => dht.routingTable.size >= 1), 'everybody knows somebody');
  const [provider, asker] = others;
  assert.ok(provider && asker);
  provider.discovery.provide(taskId('image'));
  let peers: PeerAddress[] = [];
  await until(async () => {
    peers = await found(asker.discovery, 'image');
    return peers.length > 0;
  }, 'the provider');
  assert.deepEqual(
    peers.map(({ peerId }) => peerId),
    [provider.peerId],
  );
  assert.ok(peers[0]?.addresses.includes(provider.addresses[0]?.replace(/\/p2p\/.*/, '') ?? 'none'));
  assert.deepEqual(await found(asker.discovery, 'nobody has it'), []);
  provider.discovery.withdraw(taskId('image'));
  assert.deepEqual(
    all.flatMap(({ lines }) => lines),
    [],
  );
});

test('a task that was provided and looked for before either node knew anybody is found as soon as they meet', async t => {
  const provider = await swarmer(t, []);
  provider.discovery.provide(taskId('image'));
  const third = await swarmer(t, provider.addresses);
  await until(async () => (await found(third.discovery, 'image')).length > 0, 'the record has come');
  const asker = await swarmer(t, []);
  await asker.dial(third.addresses[0] ?? '');
  const peers = await found(asker.discovery, 'image');
  assert.deepEqual(
    peers.map(({ peerId }) => peerId),
    [provider.peerId],
  );
});

test('with nobody to be reached remembered peers are found, and it ends without an error or a line in the log', async t => {
  const gone = await someId();
  const alone = await swarmer(t, [`/ip4/127.0.0.1/tcp/1/p2p/${gone}`]);
  const remembered = peer(await someId());
  alone.discovery.remember(remembered);
  alone.discovery.remember({ peerId: alone.peerId, addresses: alone.addresses });
  alone.discovery.provide(taskId('image'));
  assert.deepEqual(await found(alone.discovery, 'image'), [remembered]);
  alone.discovery.withdraw(taskId('image'));
  assert.deepEqual(alone.lines, []);
});

test('a search ends when its signal fires', async t => {
  const alone = await swarmer(t, []);
  alone.discovery.remember(peer(await someId()));
  const peers = await collected(alone.discovery.find(taskId('image'), { signal: AbortSignal.abort() }));
  assert.deepEqual(peers, []);
});

test('an address to enter by that is none is refused', async t => {
  const { known, dht } = await swarmer(t, []);
  const node = { dial: () => Promise.reject(new Error('no')), getConnections: () => [], peerId: {} } as never;
  assert.throws(() => new PeerDiscovery({ node, dht, known, ...PORTS }, { bootstrap: ['nonsense'] }), {
    code: 'usage',
  });
});
