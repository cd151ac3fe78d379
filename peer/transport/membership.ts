// This node's membership and its judgement of others: the cluster's public key, the own certificate, and the revocations
// with the highest number that was met. Read from files, again when they change.

import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { type Clock, isShoalError, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import {
  checkCertificate,
  checkRevocations,
  clusterName,
  issueCertificate,
  type MemberCertificate,
  type MemberRole,
  type RevokedPeers,
  readClusterPrivateKey,
  readClusterPublicKey,
  signedFromText,
  signedToText,
} from '../../proto/index.ts';
import { readSmallFile, writeSmallFile } from './private-file.ts';

export interface MembershipOptions {
  readonly peerId: string;
  readonly role: MemberRole;
  /** The cluster's public key in PEM. */
  readonly clusterKeyFile: string;
  /** The certificate; or the cluster's private key (0600): then this node certifies itself. */
  readonly certificateFile: string;
  /** Where met revocations are kept, and where an operator may put new ones; need not exist. */
  readonly revocationsFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Certificates that a node with the cluster's key makes for itself hold so long, and are renewed at half of it. */
const SELF_CERTIFIED_S = 7 * 24 * 3600;
const SERIAL_BYTES = 16;

interface OwnCertificate {
  readonly encoded: Uint8Array;
  readonly member: MemberCertificate;
  /** Not from a certificate's file but made here. */
  readonly selfMade: boolean;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #clusterKey: KeyObject;
  #own: OwnCertificate;
  #certificateModifiedMs = 0;
  #revoked: { readonly peers: RevokedPeers; readonly encoded: Uint8Array } | undefined;
  #revocationsModifiedMs = 0;
  readonly #listeners = new Set<() => void>();

  private constructor(options: MembershipOptions, clusterKey: KeyObject, own: OwnCertificate) {
    this.#options = options;
    this.#clusterKey = clusterKey;
    this.#own = own;
  }

  /**
   * Rejects with `not-found`, `malformed` or `system` for a file, and with `unauthorized` for a certificate that is of
   * another cluster or node, or not valid now.
   */
  static async open(options: MembershipOptions): Promise<Membership> {
    const { clusterKeyFile } = options;
    const { text } = await readSmallFile(clusterKeyFile, { secret: false });
    const clusterKey = readClusterPublicKey(text, clusterKeyFile);
    const { own, modifiedMs } = await readOwn(options, clusterKey);
    const membership = new Membership(options, clusterKey, own);
    membership.#certificateModifiedMs = modifiedMs;
    await membership.#readRevocations();
    return membership;
  }

  get peerId(): string {
    return this.#options.peerId;
  }

  /** A short name of the cluster, for messages. */
  get cluster(): string {
    return clusterName(this.#clusterKey);
  }

  /** This node's own. */
  get certificate(): MemberCertificate {
    return this.#own.member;
  }

  get encodedCertificate(): Uint8Array {
    return this.#own.encoded;
  }

  get encodedRevocations(): Uint8Array | undefined {
    return this.#revoked?.encoded;
  }

  get revocationsVersion(): number {
    return this.#revoked?.peers.version ?? 0;
  }

  /** Whose certificate this is. Throws `unauthorized` or `malformed`, with the reason. */
  check(encoded: Uint8Array | undefined, peerId: string): MemberCertificate {
    if (encoded === undefined) throw new ShoalError('unauthorized', `expected a certificate of ${peerId}, found none`);
    return checkCertificate(encoded, {
      clusterKey: this.#clusterKey,
      peerId,
      nowMs: this.#options.clock.now(),
      revoked: this.#revoked?.peers,
    });
  }

  /** Why a member that was welcome is one no longer; undefined: it still is. */
  reasonAgainst(member: MemberCertificate): string | undefined {
    if (this.#revoked?.peers.peerIds.has(member.peerId)) return `peer ${member.peerId} was revoked`;
    if (this.#options.clock.now() / 1000 >= member.notAfter) return `the certificate of ${member.peerId} has expired`;
    return undefined;
  }

  isRevoked(peerId: string): boolean {
    return this.#revoked?.peers.peerIds.has(peerId) ?? false;
  }

  /**
   * Takes over revocations with a higher number than ours, and keeps them on disk. Returns whether they were new. Throws
   * `unauthorized` or `malformed`.
   */
  adopt(encoded: Uint8Array): boolean {
    const isNew = this.#adopt(encoded);
    if (isNew) {
      const { revocationsFile, log } = this.#options;
      writeSmallFile(revocationsFile, signedToText('revocations', encoded), { replace: true }).catch(error =>
        log.warn('revocations could not be kept', { reason: messageOf(error) }),
      );
    }
    return isNew;
  }

  /** Calls back when there are new revocations. Returns how to stop that. */
  onRevoked(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads certificate and revocations again if their files have changed, and renews a certificate of our own making.
   * What is wrong with them is logged, and what was in effect stays.
   */
  async reload(): Promise<void> {
    const { log, certificateFile, clock } = this.#options;
    try {
      const half = (this.#own.member.notBefore + this.#own.member.notAfter) / 2;
      const due = this.#own.selfMade && clock.now() / 1000 > half;
      const { modifiedMs } = await readSmallFile(certificateFile, { secret: false });
      if (due || modifiedMs !== this.#certificateModifiedMs) {
        this.#certificateModifiedMs = modifiedMs;
        this.#own = (await readOwn(this.#options, this.#clusterKey)).own;
        log.info('certificate read', { expires: new Date(this.#own.member.notAfter * 1000).toISOString() });
      }
    } catch (error) {
      log.warn('the certificate stays as it was', { reason: messageOf(error) });
    }
    await this.#readRevocations();
  }

  async #readRevocations(): Promise<void> {
    const { log, revocationsFile } = this.#options;
    try {
      const { text, modifiedMs } = await readSmallFile(revocationsFile, { secret: false });
      if (modifiedMs === this.#revocationsModifiedMs) return;
      this.#revocationsModifiedMs = modifiedMs;
      this.#adopt(signedFromText('revocations', text, revocationsFile));
    } catch (error) {
      if (isShoalError(error, 'not-found')) return;
      log.warn('revocations stay as they were', { reason: messageOf(error) });
    }
  }

  #adopt(encoded: Uint8Array): boolean {
    const peers = checkRevocations(encoded, this.#clusterKey);
    if (peers.version <= this.revocationsVersion) return false;
    this.#revoked = { peers, encoded };
    this.#options.log.info('revocations taken over', { version: peers.version, peers: peers.peerIds.size });
    for (const listener of this.#listeners) listener();
    return true;
  }
}

async function readOwn(
  options: MembershipOptions,
  clusterKey: KeyObject,
): Promise<{ readonly own: OwnCertificate; readonly modifiedMs: number }> {
  const { certificateFile, peerId, role, clock } = options;
  const { text, modifiedMs } = await readSmallFile(certificateFile, { secret: false });
  const selfMade = text.includes('PRIVATE KEY');
  const encoded = selfMade
    ? selfCertified(await secretKey(certificateFile, clusterKey), options)
    : signedFromText('certificate', text, certificateFile);
  try {
    const member = checkCertificate(encoded, { clusterKey, peerId, nowMs: clock.now(), role });
    return { own: { encoded, member, selfMade }, modifiedMs };
  } catch (error) {
    if (!isShoalError(error)) throw error;
    throw new ShoalError(error.code, `${certificateFile}: ${error.message}`, { cause: error });
  }
}

async function secretKey(path: string, clusterKey: KeyObject): Promise<KeyObject> {
  const { text } = await readSmallFile(path, { secret: true });
  const key = readClusterPrivateKey(text, path);
  if (createPublicKey(key).equals(clusterKey)) return key;
  throw new ShoalError(
    'unauthorized',
    `${path}: the key of cluster ${clusterName(key)}, expected ${clusterName(clusterKey)}`,
  );
}

function selfCertified(key: KeyObject, { peerId, role, clock }: MembershipOptions): Uint8Array {
  const notBefore = Math.floor(clock.now() / 1000);
  const serial = randomBytes(SERIAL_BYTES);
  return issueCertificate(key, { peerId, serial, notBefore, notAfter: notBefore + SELF_CERTIFIED_S, roles: [role] });
}
