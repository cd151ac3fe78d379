// A node over its life: files that change, what is kept and what is not, what crosses the network, and what is left in the
// end.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { hexOf, systemClock } from '../../../core/index.ts';
import { Membership, newIdentity, type RecordedBytes } from '../../../peer/index.ts';
import { PING_INTERVAL_MS, PING_MS } from '../../../peer/transport/node.ts';
import { signedToText, taskIdOf } from '../../../proto/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { makeCluster, recordingLogger, type TestCluster } from '../../support/member-nodes.ts';
import { someDigest } from '../../support/memory-served-tasks.ts';
import { openAt, startPeer, until } from '../../support/peers.ts';

const DEMAND = { lane: 'demand', mayFetch: false } as const;

test('a ping has had its time when the next begins: two at once would end a connection that is only busy', () => {
  assert.ok(PING_MS.maxTimeout < PING_INTERVAL_MS);
  assert.ok(PING_MS.minTimeout <= PING_MS.maxTimeout);
});

async function membershipFiles(_t: TestContext, cluster: TestCluster, clock = new ManualClock()) {
  const directory = await mkdtemp(join(cluster.directory, 'files-'));
  const { peerId } = newIdentity();
  const log = recordingLogger();
  const options = {
    peerId,
    role: 'peer' as const,
    clusterKeyFile: join(cluster.directory, 'cluster.pub'),
    certificateFile: join(directory, 'certificate'),
    revocationsFile: join(directory, 'revocations'),
    clock,
    log,
  };
  const now = Math.floor(clock.now() / 1000);
  const certify = (notAfter = now + 3600, certifiedPeer = peerId) =>
    writeFile(
      options.certificateFile,
      signedToText('certificate', cluster.certificate(certifiedPeer, { notBefore: now, notAfter })),
    );
  return { options, certify, now, log, clock, peerId };
}

/** A file's time moves although the test is quick. */
async function touch(path: string): Promise<void> {
  await utimes(path, new Date(), new Date(Date.now() + 5_000));
}

suite('membership from files', () => {
  test('a missing or wrong file is refused by its name', async t => {
    const cluster = await makeCluster(t);
    const { options, certify, now } = await membershipFiles(t, cluster);
    await assert.rejects(Membership.open(options), { code: 'not-found', message: /certificate/ });
    await writeFile(options.certificateFile, 'something else');
    await assert.rejects(Membership.open(options), {
      code: 'malformed',
      message: /certificate: expected -----BEGIN SHOAL/,
    });
    await certify(now + 3600, newIdentity().peerId);
    await assert.rejects(Membership.open(options), {
      code: 'unauthorized',
      message: /certificate: the certificate is of peer/,
    });
    await certify(now + 1);
    options.clock.advance(2_000);
    await assert.rejects(Membership.open(options), { code: 'unauthorized', message: /certificate: .* expired/ });
    await assert.rejects(Membership.open({ ...options, role: 'scheduler' }), { code: 'unauthorized' });
  });

  test('a certificate is read again when its file has changed, and a wrong one changes nothing', async t => {
    const cluster = await makeCluster(t);
    const { options, certify, now, log } = await membershipFiles(t, cluster);
    await certify();
    const membership = await Membership.open(options);
    await certify(now + 7200);
    await touch(options.certificateFile);
    await membership.reload();
    assert.equal(membership.certificate.notAfter, now + 7200);
    await writeFile(options.certificateFile, 'nonsense');
    await membership.reload();
    assert.equal(membership.certificate.notAfter, now + 7200);
    assert.ok(log.lines.some(({ message }) => message === 'the certificate stays as it was'));
  });

  test('with the key of the cluster a node certifies itself, and renews that at half time', async t => {
    const cluster = await makeCluster(t);
    const { options, clock } = await membershipFiles(t, cluster);
    const withKey = { ...options, certificateFile: join(cluster.directory, 'cluster.key') };
    const membership = await Membership.open(withKey);
    const { notAfter, serial } = membership.certificate;
    await membership.reload();
    assert.equal(membership.certificate.serial, serial);
    await clock.advance(4 * 86_400_000);
    await membership.reload();
    assert.ok(membership.certificate.notAfter > notAfter);
    await chmod(withKey.certificateFile, 0o644);
    await assert.rejects(Membership.open(withKey), { code: 'system', message: /mode 0644, expected 0600/ });
  });

  test('the highest number of revocations counts, from a file or from others, and is kept', async t => {
    const cluster = await makeCluster(t);
    const { options, certify, peerId } = await membershipFiles(t, cluster);
    await certify();
    const membership = await Membership.open(options);
    let told = 0;
    membership.onRevoked(() => told++);
    const other = newIdentity().peerId;
    await writeFile(options.revocationsFile, signedToText('revocations', cluster.revocations(2, other)));
    await membership.reload();
    assert.deepEqual([membership.revocationsVersion, membership.isRevoked(other), told], [2, true, 1]);
    assert.equal(membership.adopt(cluster.revocations(1, peerId)), false);
    assert.equal(membership.adopt(cluster.revocations(3)), true);
    assert.deepEqual([membership.isRevoked(other), told], [false, 2]);
    const stranger = await makeCluster(t);
    assert.throws(() => membership.adopt(stranger.revocations(9, other)), { code: 'unauthorized' });
    const kept = signedToText('revocations', cluster.revocations(3));
    for (;;) if ((await readFile(options.revocationsFile, 'utf8')) === kept) break;
    assert.equal((await Membership.open(options)).revocationsVersion, 3);
  });
});

suite('a node over its life', { timeout: 120_000 }, () => {
  test('a member whose certificate expires is disconnected', async t => {
    const cluster = await makeCluster(t);
    const clock = new ManualClock(Date.now());
    const [member, other] = await Promise.all([
      cluster.member({ clock }),
      cluster.member({ notAfter: Math.floor(Date.now() / 1000) + 60 }),
    ]);
    const connection = await other.node.libp2p.dial(multiaddr(member.node.addresses[0] ?? ''));
    await until(
      () => member.node.memberOf(other.node.peerId) !== undefined && member.node.libp2p.getConnections().length > 0,
    );
    await clock.advance(61_000);
    await until(() => connection.status !== 'open');
    assert.ok(member.log.lines.some(({ fields }) => /has expired/.test(String(fields['reason']))));
  });

  test('its report tells of each peer, and of bans', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 10);
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request([0, 1, 2], DEMAND);
    await until(() => heard.pieces.size === 3);
    child.transport.ban('12D3KooWbanned', systemClock.monotonic() + 60_000, 'it lies');
    const [about, banned] = child.transport.peers();
    assert.equal(about?.peerId, parent.node.peerId);
    assert.match(about?.address ?? '', /^\/ip4\/127\.0\.0\.1\/tcp\//);
    assert.equal(about?.direction, 'outbound');
    assert.equal(about?.receivedBytes, 3 * 65_536);
    assert.ok((about?.receivedPerSecond ?? 0) > 0);
    assert.equal(about?.queue, 0);
    assert.ok((about?.certificateExpiresAt ?? 0) > Date.now());
    assert.equal(banned?.banReason, 'it lies');
    assert.ok(Math.abs((banned?.bannedUntil ?? 0) - Date.now() - 60_000) < 2_000);
    assert.equal(parent.transport.peers()[0]?.sentBytes, 3 * 65_536);
    structuredClone(child.transport.peers());
  });

  test('every byte can be recorded before encryption, and no digest is among them', async t => {
    const cluster = await makeCluster(t);
    const recorded: RecordedBytes[] = [];
    const record = (each: RecordedBytes) => recorded.push(each);
    const [child, parent] = await Promise.all([startPeer(t, cluster, { record }), startPeer(t, cluster)]);
    const served = parent.tasks.add(77, 3);
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request([1], DEMAND);
    await until(() => heard.pieces.size === 1);
    const all = (direction: RecordedBytes['direction']) =>
      Buffer.concat(recorded.filter(each => each.direction === direction).map(({ bytes }) => bytes));
    const digest = Buffer.from(hexOf(someDigest(77)), 'hex');
    const taskId = Buffer.from(taskIdOf(someDigest(77)), 'hex');
    assert.ok(all('sent').includes(taskId), 'what is sent is recorded');
    assert.ok(all('received').includes(Buffer.alloc(1000, 1)), 'what is received is recorded');
    assert.ok(all('sent').includes('/shoal/pieces/1'), 'and the negotiation');
    for (const direction of ['sent', 'received'] as const) {
      assert.equal(all(direction).includes(digest), false);
      assert.equal(all(direction).includes(hexOf(someDigest(77))), false);
    }
    assert.ok(recorded.every(({ peerId }) => peerId === parent.node.peerId));
    assert.equal(createHash('sha256').update('shoal-task').update(digest).digest('hex'), taskId.toString('hex'));
  });

  test('a thousand tasks and a hundred links that come and go leave nothing behind', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 4);
    const { heard, task, link } = await openAt(child.transport, parent.address, served);
    task.close();
    const digest = served.digest;
    const timersBefore = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
    for (let n = 0; n < 1000; n++) {
      const again = link.open({ taskId: taskIdOf(digest), digest, pieceCount: 4 }, heard);
      const openings = heard.opened;
      await until(() => heard.opened > openings);
      again.request([n % 4], DEMAND);
      again.close();
    }
    await until(() => served.listeners === 0);
    link.release();
    for (let n = 0; n < 100; n++) {
      const opened = await openAt(child.transport, parent.address, served);
      opened.link.release();
    }
    await until(() => served.listeners === 0);
    const streams = () => child.node.libp2p.getConnections().flatMap(connection => connection.streams);
    await until(() => streams().every(({ protocol }) => protocol !== '/shoal/pieces/1'));
    assert.equal(child.node.libp2p.getConnections().length, 1);
    assert.deepEqual(parent.transport.load, { queueLength: 0, freeSlots: 4 });
    assert.equal(parent.transport.peers()[0]?.waiting, 0);
    // Those of libp2p's own for the dials of the last seconds are bounded; a leak would be hundreds.
    const timers = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
    assert.ok(timers - timersBefore < 60, `${timers - timersBefore} timers more`);
  });

  test('it stops within seconds, also while its peers are of no help', async t => {
    const cluster = await makeCluster(t);
    const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
    const served = parent.tasks.add(1, 100);
    served.beforeRead = () => new Promise(() => {});
    const { heard, task } = await openAt(child.transport, parent.address, served);
    task.request([1, 2, 3], DEMAND);
    const nowhere = child.transport.link({ peerId: newIdentity().peerId, addresses: ['/ip4/127.0.0.1/tcp/1'] });
    assert.equal(nowhere.isUp, false);
    const from = performance.now();
    await child.transport.stop();
    await child.node.stop();
    assert.ok(performance.now() - from < 6_000);
    assert.equal(heard.downs, 1);
    await until(() => served.listeners === 0);
  });
});
