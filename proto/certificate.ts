// Who is a member: certificates and revocations, signed with the cluster's Ed25519 key. Pure; the same on peers, schedulers
// and the command line. A certificate binds a peer id, whose key the encryption of a connection proves, to a time and to
// roles (docs/protocol.md, "Connections").

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { messageOf, ShoalError } from '../core/index.ts';
import { Certificate, Revocations, Role, SignedCertificate, SignedRevocations } from './messages.ts';
import { PEER_ID_BYTES, peerIdFromBytes, peerIdToBytes } from './peer-ids.ts';

export type MemberRole = 'peer' | 'scheduler';

export const MEMBER_ROLES: readonly MemberRole[] = ['peer', 'scheduler'];

/** Clocks of a cluster may differ: a certificate holds this long before its time already. */
export const CLOCK_SKEW_S = 300;

/** Of an encoded SignedCertificate, bytes. */
export const MAX_CERTIFICATE_BYTES = 1024;

/** Most peers that revocations name: with a certificate, and what frames them, they fit into an introduction. */
export const MAX_REVOKED = 1024;

const SERIAL_BYTES = 16;
const SIGNATURE_BYTES = 64;
const MAX_ROLES = 4;

// What is signed begins with what it is: no signature of one kind is ever one of another.
const CERTIFICATE_CONTEXT = Buffer.from('shoal-certificate');
const REVOCATIONS_CONTEXT = Buffer.from('shoal-revocations');

const WIRE_ROLES: Readonly<Record<MemberRole, (typeof Role)[keyof typeof Role]>> = {
  peer: Role.ROLE_PEER,
  scheduler: Role.ROLE_SCHEDULER,
};

/** Seconds since 1970 throughout. */
export interface MemberCertificate {
  readonly peerId: string;
  /** Hex; tells certificates of one peer apart. */
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly roles: readonly MemberRole[];
}

export interface RevokedPeers {
  readonly version: number;
  readonly peerIds: ReadonlySet<string>;
}

// ---- keys ------------------------------------------------------------------------------------------------------------

/** A new key of a cluster, in PEM. The private part makes members: whoever has it is the cluster. */
export function createClusterKey(): { readonly privatePem: string; readonly publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** `where` is for messages. Throws `malformed`. */
export function readClusterPrivateKey(pem: string, where: string): KeyObject {
  return readKey(() => createPrivateKey(pem), 'private', where);
}

/** Also from the private key's file. Throws `malformed`. */
export function readClusterPublicKey(pem: string, where: string): KeyObject {
  return readKey(() => createPublicKey(pem), 'public', where);
}

function readKey(read: () => KeyObject, kind: string, where: string): KeyObject {
  const expected = `expected the ${kind} Ed25519 key of a cluster in PEM`;
  let key: KeyObject;
  try {
    key = read();
  } catch {
    // The cause might quote the key.
    throw new ShoalError('malformed', `${where}: ${expected}`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new ShoalError('malformed', `${where}: ${expected}, found ${key.asymmetricKeyType}`);
}

/** A short name of a cluster: sixteen hex digits of the digest of its public key. */
export function clusterName(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 16);
}

// ---- certificates ----------------------------------------------------------------------------------------------------

/** An encoded SignedCertificate. `serial`: 16 random bytes. Throws `usage` for what no one could be certified as. */
export function issueCertificate(
  key: KeyObject,
  member: Omit<MemberCertificate, 'serial'> & { readonly serial: Uint8Array },
): Uint8Array {
  const { peerId, serial, notBefore, notAfter, roles } = member;
  if (roles.length === 0) throw new ShoalError('usage', `a certificate for ${peerId} needs a role`);
  if (notAfter <= notBefore) throw new ShoalError('usage', `a certificate for ${peerId} must end after it begins`);
  const certificate = Certificate.encode({
    peerId: peerIdToBytes(peerId),
    serial,
    notBefore,
    notAfter,
    roles: roles.map(role => WIRE_ROLES[role]),
  }).finish();
  const signature = sign(null, Buffer.concat([CERTIFICATE_CONTEXT, certificate]), key);
  return SignedCertificate.encode({ certificate, signature }).finish();
}

/** What a certificate says, unchecked: for looking at it. Throws `malformed`. */
export function decodeCertificate(encoded: Uint8Array): MemberCertificate {
  return parseCertificate(encoded).member;
}

/**
 * The member that an encoded SignedCertificate is of. Throws `unauthorized` with what was expected and found when it is of
 * another cluster or peer, not valid now, revoked, or for another role; `malformed` when it is no certificate.
 */
export function checkCertificate(
  encoded: Uint8Array,
  expected: {
    readonly clusterKey: KeyObject;
    /** The one that the encryption has proved. */
    readonly peerId: string;
    readonly nowMs: number;
    readonly revoked?: RevokedPeers | undefined;
    readonly role?: MemberRole | undefined;
  },
): MemberCertificate {
  const { member, certificate, signature } = parseCertificate(encoded);
  const signed = Buffer.concat([CERTIFICATE_CONTEXT, certificate]);
  if (!isSigned(signed, expected.clusterKey, signature)) {
    throw refusal(`the certificate is not signed by cluster ${clusterName(expected.clusterKey)}`);
  }
  if (member.peerId !== expected.peerId) {
    throw refusal(`the certificate is of peer ${member.peerId}, expected one of ${expected.peerId}`);
  }
  const now = Math.floor(expected.nowMs / 1000);
  if (now < member.notBefore - CLOCK_SKEW_S) {
    throw refusal(`the certificate is not valid before ${time(member.notBefore)}, and it is ${time(now)}`);
  }
  if (now >= member.notAfter) {
    throw refusal(`the certificate expired at ${time(member.notAfter)}, and it is ${time(now)}`);
  }
  if (expected.revoked?.peerIds.has(member.peerId)) {
    throw refusal(`peer ${member.peerId} was revoked (revocations number ${expected.revoked.version})`);
  }
  if (expected.role !== undefined && !member.roles.includes(expected.role)) {
    throw refusal(`the certificate is for ${member.roles.join(', ') || 'nothing known'}, expected ${expected.role}`);
  }
  return member;
}

function parseCertificate(encoded: Uint8Array) {
  if (encoded.length > MAX_CERTIFICATE_BYTES) {
    throw new ShoalError('malformed', `certificate of ${encoded.length} bytes: at most ${MAX_CERTIFICATE_BYTES}`);
  }
  const { certificate, signature } = decoding('certificate', () => SignedCertificate.decode(encoded));
  const { peerId, serial, notBefore, notAfter, roles } = decoding('certificate', () => Certificate.decode(certificate));
  if (peerId.length !== PEER_ID_BYTES || serial.length > SERIAL_BYTES || roles.length > MAX_ROLES) {
    throw new ShoalError('malformed', 'this is no certificate of a member');
  }
  const member: MemberCertificate = {
    peerId: peerIdFromBytes(peerId),
    serial: Buffer.from(serial).toString('hex'),
    notBefore,
    notAfter,
    roles: MEMBER_ROLES.filter(role => roles.includes(WIRE_ROLES[role])),
  };
  return { member, certificate, signature };
}

// ---- revocations -----------------------------------------------------------------------------------------------------

/** An encoded SignedRevocations. Throws `limit`. */
export function signRevocations(key: KeyObject, revoked: RevokedPeers): Uint8Array {
  if (revoked.peerIds.size > MAX_REVOKED) {
    throw new ShoalError(
      'limit',
      `${revoked.peerIds.size} revoked peers: at most ${MAX_REVOKED}; make a new cluster key`,
    );
  }
  const revocations = Revocations.encode({
    version: revoked.version,
    peerIds: [...revoked.peerIds].map(peerIdToBytes),
  }).finish();
  const signature = sign(null, Buffer.concat([REVOCATIONS_CONTEXT, revocations]), key);
  return SignedRevocations.encode({ revocations, signature }).finish();
}

/** Throws `unauthorized` when this cluster did not sign them, `malformed` when they are none. */
export function checkRevocations(encoded: Uint8Array, clusterKey: KeyObject): RevokedPeers {
  const { revocations, signature } = decoding('revocations', () => SignedRevocations.decode(encoded));
  if (!isSigned(Buffer.concat([REVOCATIONS_CONTEXT, revocations]), clusterKey, signature)) {
    throw refusal(`the revocations are not signed by cluster ${clusterName(clusterKey)}`);
  }
  return parseRevocations(revocations);
}

/** What revocations say, unchecked: for looking at them. Throws `malformed`. */
export function decodeRevocations(encoded: Uint8Array): RevokedPeers {
  return parseRevocations(decoding('revocations', () => SignedRevocations.decode(encoded)).revocations);
}

function parseRevocations(revocations: Uint8Array): RevokedPeers {
  const { version, peerIds } = decoding('revocations', () => Revocations.decode(revocations));
  if (peerIds.length > MAX_REVOKED) {
    throw new ShoalError('malformed', `revocations of ${peerIds.length} peers: at most ${MAX_REVOKED}`);
  }
  return { version, peerIds: new Set(peerIds.map(peerIdFromBytes)) };
}

// ---- text ------------------------------------------------------------------------------------------------------------

export type SignedKind = 'certificate' | 'revocations';

const MAX_TEXT_CHARS = 128 * 1024;

/** As it stands in files, like PEM: it can be pasted, mailed, and put into a secret. */
export function signedToText(kind: SignedKind, encoded: Uint8Array): string {
  const lines =
    Buffer.from(encoded)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `${begin(kind)}\n${lines.join('\n')}\n${end(kind)}\n`;
}

/** `where` is for messages. Throws `malformed`. */
export function signedFromText(kind: SignedKind, text: string, where: string): Uint8Array {
  const from = text.indexOf(begin(kind));
  const to = text.indexOf(end(kind));
  const body = text.slice(from + begin(kind).length, to).replaceAll(/\s/g, '');
  if (text.length > MAX_TEXT_CHARS || from < 0 || to < from || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    throw new ShoalError('malformed', `${where}: expected ${begin(kind)} … ${end(kind)}`);
  }
  return Buffer.from(body, 'base64');
}

const begin = (kind: SignedKind) => `-----BEGIN SHOAL ${kind.toUpperCase()}-----`;
const end = (kind: SignedKind) => `-----END SHOAL ${kind.toUpperCase()}-----`;

// ----------------------------------------------------------------------------------------------------------------------

function isSigned(bytes: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, bytes, key, signature);
}

function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new ShoalError('malformed', `this is no ${what}: ${messageOf(error)}`, { cause: error });
  }
}

function refusal(reason: string): ShoalError {
  return new ShoalError('unauthorized', reason);
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
