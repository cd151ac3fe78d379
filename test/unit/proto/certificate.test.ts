// Certificates and revocations: what holds, and that every refusal says what was expected and what was found.

import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { suite, test } from 'node:test';
import { newIdentity } from '../../../peer/index.ts';
import {
  CLOCK_SKEW_S,
  checkCertificate,
  checkRevocations,
  createClusterKey,
  decodeCertificate,
  issueCertificate,
  MAX_REVOKED,
  type MemberRole,
  peerIdFromBytes,
  peerIdToBytes,
  readClusterPrivateKey,
  readClusterPublicKey,
  signedFromText,
  signedToText,
  signRevocations,
} from '../../../proto/index.ts';

const { privatePem, publicPem } = createClusterKey();
const key = createPrivateKey(privatePem);
const clusterKey = createPublicKey(publicPem);
const otherKey = createPrivateKey(createClusterKey().privatePem);
const { peerId } = newIdentity();
const FROM = 1_800_000_000;
const UNTIL = FROM + 86_400;
const serial = new Uint8Array(16).fill(7);

function certificate(roles: readonly MemberRole[] = ['peer'], signer = key): Uint8Array {
  return issueCertificate(signer, { peerId, serial, notBefore: FROM, notAfter: UNTIL, roles });
}

const expected = { clusterKey, peerId, nowMs: (FROM + 60) * 1000 };

suite('certificates', () => {
  test('one that holds says who, until when and as what', () => {
    assert.deepEqual(checkCertificate(certificate(['peer', 'scheduler']), { ...expected, role: 'scheduler' }), {
      peerId,
      serial: '07'.repeat(16),
      notBefore: FROM,
      notAfter: UNTIL,
      roles: ['peer', 'scheduler'],
    });
  });

  const refusals = {
    'of another cluster': [certificate(['peer'], otherKey), {}, /not signed by cluster [0-9a-f]{16}$/],
    'of another peer': [
      certificate(),
      { peerId: newIdentity().peerId },
      new RegExp(`is of peer ${peerId}, expected one of 12D3Koo`),
    ],
    'not valid yet': [
      certificate(),
      { nowMs: (FROM - CLOCK_SKEW_S - 1) * 1000 },
      /not valid before 2027-01-15T08:00:00Z, and it is 2027-01-15T07:54:59Z/,
    ],
    expired: [
      certificate(),
      { nowMs: UNTIL * 1000 },
      /expired at 2027-01-16T08:00:00Z, and it is 2027-01-16T08:00:00Z/,
    ],
    revoked: [
      certificate(),
      { revoked: { version: 9, peerIds: new Set([peerId]) } },
      /was revoked \(revocations number 9\)/,
    ],
    'for another role': [certificate(), { role: 'scheduler' }, /is for peer, expected scheduler/],
  } as const;
  for (const [name, [encoded, change, message]] of Object.entries(refusals)) {
    test(`one ${name} is refused, with what was expected and found`, () => {
      assert.throws(() => checkCertificate(encoded, { ...expected, ...change }), { code: 'unauthorized', message });
    });
  }

  test('one from a clock that is a little ahead holds already', () => {
    checkCertificate(certificate(), { ...expected, nowMs: (FROM - CLOCK_SKEW_S) * 1000 });
  });

  test('one of which any byte was changed is refused', () => {
    const encoded = certificate();
    for (let at = 0; at < encoded.length; at++) {
      const changed = Uint8Array.from(encoded, (byte, index) => (index === at ? byte ^ 1 : byte));
      assert.throws(
        () => checkCertificate(changed, expected),
        /unauthorized|malformed|certificate|peer id/,
        `byte ${at}`,
      );
    }
  });

  test('a signature of revocations is none of a certificate', () => {
    const list = signRevocations(key, { version: 1, peerIds: new Set([peerId]) });
    assert.throws(() => checkCertificate(list, expected), { code: /unauthorized|malformed/ });
    assert.throws(() => checkRevocations(certificate(), clusterKey), { code: 'unauthorized' });
  });

  test('anything else is malformed, however long', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(20).fill(255), new Uint8Array(1 << 20)]) {
      assert.throws(() => decodeCertificate(bytes), { code: 'malformed' });
    }
  });

  test('its text can be pasted among other lines, and is refused by the name of its file otherwise', () => {
    const encoded = certificate();
    const text = signedToText('certificate', encoded);
    assert.deepEqual(
      new Uint8Array(signedFromText('certificate', `note\r\n${text}\n\n`, 'x')),
      new Uint8Array(encoded),
    );
    for (const wrong of ['', text.slice(0, 60), signedToText('revocations', encoded), text.replace('C', '?')]) {
      assert.throws(() => signedFromText('certificate', wrong, 'node1.cert'), {
        code: 'malformed',
        message: /^node1\.cert: expected -----BEGIN SHOAL CERTIFICATE-----/,
      });
    }
  });
});

suite('revocations', () => {
  test('those of the cluster are read back', () => {
    const revoked = { version: 3, peerIds: new Set([peerId, newIdentity().peerId]) };
    assert.deepEqual(checkRevocations(signRevocations(key, revoked), clusterKey), revoked);
  });

  test('those of another cluster are refused', () => {
    const encoded = signRevocations(otherKey, { version: 3, peerIds: new Set() });
    assert.throws(() => checkRevocations(encoded, clusterKey), {
      code: 'unauthorized',
      message: /not signed by cluster/,
    });
  });

  test('more than fit into an introduction are not signed', () => {
    const peerIds = new Set(Array.from({ length: MAX_REVOKED + 1 }, (_, n) => `peer ${n}`));
    assert.throws(() => signRevocations(key, { version: 1, peerIds }), { code: 'limit' });
  });
});

suite('keys and peer ids', () => {
  test('a public key is read from either file, a private one only from its own', () => {
    assert.ok(readClusterPublicKey(publicPem, 'a').equals(clusterKey));
    assert.ok(readClusterPublicKey(privatePem, 'a').equals(clusterKey));
    assert.ok(readClusterPrivateKey(privatePem, 'a').equals(key));
    assert.throws(() => readClusterPrivateKey(publicPem, 'cluster.pub'), {
      code: 'malformed',
      message: /^cluster\.pub: /,
    });
  });

  test('what is refused as a key is not quoted', () => {
    const secret = privatePem.replace('PRIVATE KEY', 'PRIVATE  KEY');
    const body = privatePem.split('\n')[1] ?? '';
    assert.throws(
      () => readClusterPrivateKey(secret, 'cluster.key'),
      ({ message, cause }: Error) => !message.includes(body) && cause === undefined,
    );
  });

  test('peer ids survive the wire', () => {
    assert.equal(peerIdFromBytes(peerIdToBytes(peerId)), peerId);
  });

  test('what is no peer id of an Ed25519 key is refused', () => {
    const rsa = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N';
    for (const text of ['', 'foo', `${peerId}x`, rsa]) assert.throws(() => peerIdToBytes(text), { code: 'usage' });
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(38),
      peerIdToBytes(peerId).subarray(1),
      new Uint8Array(500),
    ]) {
      assert.throws(() => peerIdFromBytes(bytes), { code: 'malformed' });
    }
  });
});
