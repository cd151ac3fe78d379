// Who gets nothing, from whole nodes: a daemon and a scheduler in processes of their own turn away who is no member, who is
// one no longer, and who does not know what it asks for; and the log of each says whom, and why.

import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noise as noiseEncryption } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { PIECE_BYTES, silentLogger, systemClock } from '../../core/index.ts';
import { MemberNode, Membership, openIdentity, type PeerAddress } from '../../peer/index.ts';
import { proofOf } from '../../peer/transport/pieces-protocol.ts';
import { OpenStatus, PIECES_PROTOCOL, SCHEDULER_PROTOCOL } from '../../proto/index.ts';
import { noise } from '../support/fake-blob.ts';
import { buildImage } from '../support/image-builder.ts';
import { LoopbackCluster } from '../support/loopback-cluster.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { type KnownBlob, type RawChild, rawChild } from '../support/raw-child.ts';
import { callShoal, removeLeftovers } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const CONTENT_BYTES = 500_000;
const REQUEST = { handle: 1, lane: 1, pieces: [0], mayFetch: true };

interface Stage {
  readonly cluster: LoopbackCluster;
  /** A node that has the blob, all of it. */
  readonly parent: PeerAddress & { readonly root: string; logged(): Promise<string> };
  readonly blob: KnownBlob;
  /** A member in this process. */
  member(): Promise<MemberNode>;
  child(member: MemberNode): Promise<RawChild>;
}

async function setUp(t: TestContext): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-outsiders-'));
  t.after(async () => {
    await removeLeftovers(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  const registry = await startMemoryRegistry(t);
  const layers = [{ tar: [{ path: 'file', content: noise(CONTENT_BYTES, 'file') }] }];
  const { reference: source } = await buildImage(join(directory, 'layout'), { layers });
  const reference = `${registry.host}/app:1`;
  const converted = await callShoal(['convert', '--plain-http', source, reference], { root: join(directory, 'root') });
  assert.equal(converted.code, 0, converted.stderr);
  const cluster = await LoopbackCluster.start(t, join(directory, 'cluster'));
  const node = await cluster.node('parent', { registryHost: registry.host });
  await node.start();
  await node.mount(reference);
  await until(() => node.isFilled(), 'the image is at the parent');
  const { peerId, addresses } = await node.swarm();
  const [digest, bytes] =
    [...registry.repository('app').blobs].find(([, { length }]) => length > CONTENT_BYTES) ?? assert.fail();
  const parent = { peerId, addresses, root: node.root, logged: () => node.logged() };
  let members = 0;
  return {
    cluster,
    parent,
    blob: { digest, pieceCount: Math.ceil(bytes.length / PIECE_BYTES) },
    async member() {
      const root = join(directory, `member-${++members}`);
      await mkdir(root);
      const certificateFile = await cluster.certify('peer', root);
      const identity = await openIdentity(join(root, 'peer'));
      const ports = { clock: systemClock, log: silentLogger };
      const membership = await Membership.open({
        ...ports,
        peerId: identity.peerId,
        role: 'peer',
        clusterKeyFile: cluster.keyFile,
        certificateFile,
        revocationsFile: join(root, 'revocations'),
      });
      const member = await MemberNode.start({ ...ports, identity, membership, listen: [] });
      t.after(() => member.stop());
      return member;
    },
    async child(member) {
      const raw = await rawChild(member, parent);
      t.after(() => raw.stream.abort(new Error('the test ends')));
      return raw;
    },
  };
}

/** The line of a log with this message about this peer. */
async function logLine(logged: () => Promise<string>, message: string, peer: string): Promise<string> {
  let found: string | undefined;
  await until(async () => {
    found = (await logged()).split('\n').find(line => line.includes(`"msg":"${message}`) && line.includes(peer));
    return found !== undefined;
  }, `"${message}" of ${peer} in the log`);
  return found ?? '';
}

/** Its answer to a request for a piece, after it has accepted the child. */
async function getsPieces({ got, wire, open }: RawChild, blob: KnownBlob): Promise<void> {
  open(blob);
  wire.send({ request: REQUEST });
  await until(() => got.some(({ kind }) => kind === 'piece'), 'a piece');
}

test('who is no member, or does not know the blob, gets nothing', { timeout: 180_000 }, async t => {
  const stage = await setUp(t);
  const { cluster, parent, blob } = stage;

  await t.test(
    'an outsider without a certificate: no protocol of a node or of a scheduler answers, and both logs say so',
    async () => {
      const outsider = await createLibp2p({
        transports: [tcp()],
        connectionEncrypters: [noiseEncryption()],
        streamMuxers: [yamux()],
      });
      t.after(() => outsider.stop());
      const places = [
        { address: parent.addresses[0] ?? '', logged: parent.logged },
        { address: cluster.address, logged: () => cluster.schedulerLogged() },
      ];
      for (const { address, logged } of places) {
        for (const protocol of [PIECES_PROTOCOL, SCHEDULER_PROTOCOL, '/shoal/kad/1', '/ipfs/id/1.0.0']) {
          const answered = outsider.dialProtocol(multiaddr(address), protocol).then(async stream => {
            // It may believe for a moment that it is connected.
            await until(() => stream.status !== 'open', `${protocol} is closed`);
            return stream.readStatus;
          });
          const status = await answered.catch(() => 'refused');
          assert.notEqual(status, 'readable', protocol);
        }
        const line = await logLine(logged, 'connection turned away', outsider.peerId.toString());
        assert.match(line, /"reason":"expected .*introduction/);
      }
    },
  );

  await t.test(
    'a member that is revoked is disconnected and turned away, by the node and by the scheduler',
    async () => {
      const member = await stage.member();
      const child = await stage.child(member);
      await getsPieces(child, blob);

      const args = ['cluster', 'revoke', '--key', cluster.privateKeyFile, '--peer', member.peerId];
      assert.equal((await callShoal(args, { root: cluster.directory })).code, 0);
      // They look at the file every quarter of a minute.
      for (const root of [parent.root, cluster.schedulerRoot]) {
        await copyFile(join(cluster.directory, 'revocations'), join(root, 'peer/revocations'));
      }
      await child.ended;
      const closed = await logLine(parent.logged, 'connection closed', member.peerId);
      assert.match(closed, /was revoked/);
      const before = child.got.length;
      child.wire.send({ request: REQUEST });
      for (const address of [parent.addresses[0] ?? '', cluster.address]) {
        await until(
          () =>
            member.libp2p.dial(multiaddr(address)).then(
              connection => connection.close().then(() => false), // it has not looked yet
              error => /was revoked/.test(String(error)),
            ),
          `${address} turns it away`,
        );
      }
      for (const logged of [parent.logged, () => cluster.schedulerLogged()]) {
        assert.match(await logLine(logged, 'connection turned away', member.peerId), /was revoked/);
      }
      assert.equal(child.got.length, before);
    },
  );

  await t.test(
    'a member without the digest: neither a guess, nor what somebody else has shown, opens a task',
    async () => {
      const [member, other] = [await stage.member(), await stage.member()];
      const proofs = {
        none: new Uint8Array(),
        'a guess': new Uint8Array(32).fill(7),
        "another child's": proofOf(blob.digest, other.peerId, parent.peerId),
        'the other way round': proofOf(blob.digest, parent.peerId, member.peerId),
      };
      const child = await stage.child(member);
      for (const [at, proof] of Object.values(proofs).entries()) {
        child.open(blob, { handle: at + 1, proof });
        await until(() => child.got.length === at + 1, 'an answer');
      }
      for (const { opened } of child.got) {
        assert.equal(opened?.status, OpenStatus.OPEN_BAD_PROOF);
        assert.deepEqual([opened?.pieces?.length ?? 0, opened?.chunks?.length ?? 0], [0, 0]);
      }
      const line = await logLine(parent.logged, 'task refused: the child does not know its digest', member.peerId);
      assert.match(line, /"level":40/);
      child.wire.send({ request: REQUEST });
      child.open(blob, { handle: 9, proof: proofs['a guess'] });
      await until(() => child.got.length > Object.keys(proofs).length, 'what comes after the request is answered');
      assert.deepEqual(new Set(child.got.map(({ kind }) => kind)), new Set(['opened']));
      // The same question with the right proof is answered: it was for the digest that it got nothing.
      await getsPieces(await stage.child(other), blob);
    },
  );
});
