// Membership in the handshake, over real connections on 127.0.0.1: who is turned away gets no protocol at all, both ends
// know why, and both say so in their logs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { membersOnly, newIdentity } from '../../../peer/index.ts';
import { decodeCertificate } from '../../../proto/index.ts';
import { type MemberOptions, makeCluster, type TestCluster, type TestMember } from '../../support/member-nodes.ts';

const dial = (from: TestMember, to: TestMember) =>
  from.node.libp2p.dial(to.node.addresses.map(address => multiaddr(address)));

/** A node that shows a certificate which its own membership would not let it start with. */
async function dishonestNode(t: TestContext, cluster: TestCluster, options: MemberOptions) {
  const { privateKey, peerId } = newIdentity();
  const turnedAway: string[] = [];
  const membership = {
    check: (encoded: Uint8Array | undefined) => decodeCertificate(encoded ?? new Uint8Array()),
    adopt: () => false,
    encodedCertificate: cluster.certificate(peerId, options),
    encodedRevocations: undefined,
  };
  const encrypter = membersOnly(noise(), {
    membership,
    reasonAgainst: () => undefined,
    onMember: () => {},
    onTurnedAway: ({ reason }) => turnedAway.push(reason),
  });
  const node = await createLibp2p({
    privateKey,
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
  });
  t.after(() => node.stop());
  return { node, turnedAway };
}

/** Resolves with the reason that a node logged for turning somebody away. */
async function reasonLogged(member: TestMember, message = 'connection turned away') {
  for (;;) {
    const line = member.log.lines.find(each => each.message === message);
    if (line !== undefined) return line.fields;
    await pause(5);
  }
}

suite('membership in the handshake', { timeout: 60_000 }, () => {
  test('members connect, and each knows what the other is certified for', async t => {
    const cluster = await makeCluster(t);
    const [peer, scheduler] = await Promise.all([cluster.member(), cluster.member({ role: 'scheduler' })]);
    const connection = await dial(peer, scheduler);
    assert.equal((await peer.node.libp2p.services.ping.ping(connection.remotePeer)) >= 0, true);
    assert.deepEqual(peer.node.memberOf(scheduler.node.peerId)?.roles, ['scheduler']);
    assert.deepEqual(scheduler.node.memberOf(peer.node.peerId)?.roles, ['peer']);
  });

  test('a libp2p node without a certificate gets nothing, and the log says who it was and why', async t => {
    const cluster = await makeCluster(t);
    const member = await cluster.member();
    const outsider = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
    });
    t.after(() => outsider.stop());
    // It may believe for a moment that it is connected; no protocol answers it.
    await assert.rejects(async () => {
      const streams: Stream = await outsider.dialProtocol(
        multiaddr(member.node.addresses[0] ?? ''),
        '/ipfs/ping/1.0.0',
      );
      await streams.close();
      throw new Error('a protocol answered');
    }, /^(?!.*a protocol answered)/s);
    const { peer, address, reason } = await reasonLogged(member);
    assert.equal(peer, outsider.peerId.toString());
    assert.match(String(address), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+/);
    assert.match(String(reason), /expected.*introduction/);
  });

  const now = Math.floor(Date.now() / 1000);
  const strangers: Record<
    string,
    { readonly options: MemberOptions; readonly reason: RegExp; readonly other?: boolean }
  > = {
    'of another cluster': { options: {}, other: true, reason: /not signed by cluster [0-9a-f]{16}/ },
    'whose certificate has expired': {
      options: { notBefore: now - 7200, notAfter: now - 3600 },
      reason: /expired at .*, and it is /,
    },
    'whose certificate does not hold yet': {
      options: { notBefore: now + 3600, notAfter: now + 7200 },
      reason: /not valid before .*, and it is /,
    },
    "with another node's certificate": {
      options: { certifiedPeer: newIdentity().peerId },
      reason: /the certificate is of peer 12D3KooW\w+, expected one of 12D3KooW/,
    },
  };
  for (const [name, { options, reason, other = false }] of Object.entries(strangers)) {
    test(`a node ${name} is told why it is turned away, and both log it`, async t => {
      const cluster = await makeCluster(t);
      const member = await cluster.member();
      const stranger = await dishonestNode(t, other ? await makeCluster(t) : cluster, options);
      await assert.rejects(stranger.node.dial(multiaddr(member.node.addresses[0] ?? '')), reason);
      const logged = await reasonLogged(member);
      assert.equal(logged['peer'], stranger.node.peerId.toString());
      assert.match(String(logged['reason']), reason);
      assert.match(stranger.turnedAway.join(), reason);
      assert.deepEqual(member.node.libp2p.getConnections(), []);
      assert.deepEqual(stranger.node.getConnections(), []);
    });
  }

  test('a revoked node is turned away by who knows it, and by whom that one tells', async t => {
    const cluster = await makeCluster(t);
    const [first, second, revoked] = await Promise.all([cluster.member(), cluster.member(), cluster.member()]);
    first.node.membership.adopt(cluster.revocations(7, revoked.node.peerId));
    await assert.rejects(dial(revoked, first), /was revoked/);
    await dial(first, second);
    assert.equal(second.node.membership.revocationsVersion, 7);
    await assert.rejects(dial(revoked, second), /was revoked/);
    assert.match(String((await reasonLogged(second))['reason']), /was revoked/);
  });

  test('who is revoked or banned while connected is disconnected', async t => {
    const cluster = await makeCluster(t);
    const [member, revoked, banned] = await Promise.all([cluster.member(), cluster.member(), cluster.member()]);
    const connections = await Promise.all([dial(revoked, member), dial(banned, member)]);
    const closed = connections.map(connection => once(connection, 'close'));
    member.node.membership.adopt(cluster.revocations(1, revoked.node.peerId));
    member.node.ban(banned.node.peerId, performance.now() + 60_000, 'it lies');
    await Promise.all(closed);
    await assert.rejects(dial(banned, member), /banned for another \d+ s: it lies/);
    assert.match(member.node.banOf(banned.node.peerId)?.reason ?? '', /it lies/);
  });

  test('a listener of another cluster is turned away by the dialer, and both log it', async t => {
    const [ours, theirs] = await Promise.all([makeCluster(t), makeCluster(t)]);
    const [member, stranger] = await Promise.all([ours.member(), theirs.member()]);
    await assert.rejects(dial(member, stranger), /turned us away|not signed/);
    await reasonLogged(member, 'connection not made');
    await reasonLogged(stranger);
  });
});
