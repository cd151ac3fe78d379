// Mounts of a node that has peers, and of one that fetches the rest of an image in the background.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isShoalError, ShoalError, silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import type { Peers } from '../../../daemon/index.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { PeerSource } from '../../../peer/index.ts';
import { MemoryPeerNode, noSwarmStatus } from '../../support/memory-swarm.ts';
import { inPieces } from '../../support/streams.ts';
import { until } from '../../support/until.ts';
import { mountpointIn, runOutside, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { killableImage, libraryOf, requestFor, type TestImage } from './lazy-image.ts';

function peersOf(node: MemoryPeerNode): Peers {
  return { start: async () => node, chunkSource: find => new PeerSource(find) };
}

/** The image, as it comes from a registry: with blobs that can be read for others, too. */
function sharedImage() {
  const image = killableImage();
  const [layout] = new BootstrapReader(image.bootstrap).blobLayouts(image.layers);
  const file = image.builder.finish(image.root).blobs[0]?.file ?? Buffer.alloc(0);
  assert.ok(layout);
  const ranges = {
    name: 'origin',
    readRange: (_blob: unknown, { offset, length }: { readonly offset: number; readonly length: number }) =>
      inPieces(file.subarray(offset, offset + length), 10_000),
  };
  const shared: TestImage = { ...image, ranges };
  return { image: shared, digest: layout.digest, file };
}

async function mountIt(t: TestContext, daemon: Daemon, image: TestImage): Promise<string> {
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  return mountpoint;
}

test('reads are answered by peers first; what they brought is told apart from what came from the origin', async t => {
  const { image, digest, file } = sharedImage();
  const node = new MemoryPeerNode();
  node.swarm.add(digest, file);
  const daemon = await startDaemon(t, libraryOf(image), { peers: peersOf(node) });
  const mountpoint = await mountIt(t, daemon, image);
  await runOutside('cat', join(mountpoint, 'cached'));
  const [info] = await daemon.list();
  assert.ok(info && info.stats.peerBytes > 500_000);
  assert.deepEqual([info.stats.originBytes, info.stats.fetchedBytes], [0, info.stats.peerBytes]);
  assert.equal(image.origin.requests.length, 0);
  const { text } = await daemon.metrics();
  assert.match(text, /^shoal_read_duration_seconds_count\{source="peers"\} [1-9]/m);
  assert.match(text, new RegExp(`^shoal_fetch_bytes_total\\{source="peers"\\} ${info.stats.peerBytes}$`, 'm'));
});

test('what this node fetches by its own leases counts as the origin', async t => {
  const { image } = sharedImage();
  const node = new MemoryPeerNode();
  node.swarm.fromOrigin = true;
  const daemon = await startDaemon(t, libraryOf(image), { peers: peersOf(node) });
  await runOutside('cat', join(await mountIt(t, daemon, image), 'cached'));
  const [info] = await daemon.list();
  assert.ok(info && info.stats.originBytes > 500_000 && info.stats.peerBytes === 0);
  assert.match((await daemon.metrics()).text, /^shoal_read_duration_seconds_count\{source="origin"\} [1-9]/m);
});

test('a swarm where nobody has anything costs nothing but the question', async t => {
  const { image } = sharedImage();
  const node = new MemoryPeerNode();
  const daemon = await startDaemon(t, libraryOf(image), { peers: peersOf(node) });
  await runOutside('cat', join(await mountIt(t, daemon, image), 'cached'));
  assert.ok(node.swarm.reads.length > 0 && image.origin.requests.length > 0);
});

test('a mount shares its blobs with its cache behind them, and leaves when it goes; the node ends with the daemon', async t => {
  const { image, digest } = sharedImage();
  const node = new MemoryPeerNode();
  node.say({ tasks: [{ ...aTask, digest }] });
  const daemon = await startDaemon(t, libraryOf(image), { peers: peersOf(node) });
  const mountpoint = await mountIt(t, daemon, image);
  await runOutside('cat', join(mountpoint, 'cached'));
  const [ports] = node.swarm.joined.get(digest) ?? [];
  assert.equal(ports?.chunks?.covers({ offset: 0, length: 1 }), true);
  assert.deepEqual(daemon.swarm()?.tasks[0]?.images, [image.reference]);
  await daemon.unmount(mountpoint, { signal });
  assert.equal(node.swarm.joined.size, 0);
  assert.deepEqual(daemon.swarm()?.tasks[0]?.images, []);
  await daemon.stop();
  assert.ok(node.stopped);
});

const aTask = {
  taskId: 'ab'.repeat(32),
  pieceCount: 4,
  pieces: 1,
  chunkPieces: 0,
  peers: 2,
  leases: 1,
  scheduled: true,
};

test('an image of this machine is not shared', async t => {
  const node = new MemoryPeerNode();
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), { peers: peersOf(node) });
  await runOutside('cat', join(await mountIt(t, daemon, image), 'folder/file'));
  assert.equal(node.swarm.joined.size, 0);
  assert.deepEqual(daemon.swarm(), { ...noSwarmStatus, tasks: [] });
});

test('a node that cannot take part in the swarm says so at the start, and lets go of the root', async t => {
  const root = join(scratch(t), 'root');
  const start = async (): Promise<never> => {
    throw new ShoalError('not-found', 'certificate: not there');
  };
  const refused: Peers = { start, chunkSource: find => new PeerSource(find) };
  const daemon = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf(), peers: refused }, { root });
  await assert.rejects(daemon.start(), error => isShoalError(error, 'not-found'));
  await startDaemon(t, libraryOf(), { root });
});

test('the rest of an image comes by itself after the mount, and the next mount finds it', async t => {
  const image = killableImage();
  const root = join(scratch(t), 'root');
  const daemon = await startDaemon(t, libraryOf(image), { root, fill: {} });
  const mountpoint = await mountIt(t, daemon, image);
  const stats = async () => (await daemon.list())[0]?.stats;
  await until(async () => (await stats())?.presentBytes === (await stats())?.chunkBytes, 'all of the image is here');
  assert.ok(((await stats())?.fetchedBytes ?? 0) > 1_000_000);
  await daemon.unmount(mountpoint, { signal });
  await mountIt(t, daemon, image);
  const again = await stats();
  assert.deepEqual([again?.fetchedBytes, again?.cacheBytes], [0, again?.chunkBytes]);
});

test('without the fill only what is read is fetched', async t => {
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image));
  await runOutside('cat', join(await mountIt(t, daemon, image), 'folder/file'));
  const [info] = await daemon.list();
  assert.ok(info && info.stats.presentBytes < info.stats.chunkBytes / 2);
  assert.equal(info.stats.presentBytes, info.stats.fetchedBytes);
});
