// A cluster of libp2p nodes on this machine: keys, certificates and nodes that end with their test.
//
//   const cluster = await makeCluster(t);
//   const node = await cluster.node();               // a member that listens on 127.0.0.1
//   const old = await cluster.node({ notAfter: 1 });  // whose certificate has expired

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, type LogFields, type Logger, systemClock } from '../../core/index.ts';
import { type Identity, MemberNode, Membership, type NodeOptions, newIdentity } from '../../peer/index.ts';
import {
  createClusterKey,
  issueCertificate,
  type MemberRole,
  signedToText,
  signRevocations,
} from '../../proto/index.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that remembers. */
export function recordingLogger(lines: LogLine[] = [], base: LogFields = {}): Logger & { readonly lines: LogLine[] } {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields: { ...base, ...fields } });
    };
  return {
    lines,
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    with: fields => recordingLogger(lines, { ...base, ...fields }),
  };
}

export interface MemberOptions extends Partial<Omit<NodeOptions, 'membership'>> {
  readonly role?: MemberRole;
  readonly certified?: readonly MemberRole[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Whose name stands in the certificate; default: the node's own. */
  readonly certifiedPeer?: string;
}

export interface TestMember {
  readonly node: MemberNode;
  readonly log: Logger & { readonly lines: LogLine[] };
  readonly directory: string;
  readonly identity: Identity;
}

export class TestCluster {
  readonly key: KeyObject;
  readonly directory: string;
  readonly #t: TestContext;

  constructor(t: TestContext, directory: string, privatePem: string) {
    this.#t = t;
    this.directory = directory;
    this.key = createPrivateKey(privatePem);
  }

  get publicKey(): KeyObject {
    return createPublicKey(this.key);
  }

  certificate(peerId: string, options: MemberOptions = {}): Uint8Array {
    const now = Math.floor(Date.now() / 1000);
    return issueCertificate(this.key, {
      peerId: options.certifiedPeer ?? peerId,
      serial: randomBytes(16),
      notBefore: options.notBefore ?? now,
      notAfter: options.notAfter ?? now + 3600,
      roles: options.certified ?? [options.role ?? 'peer'],
    });
  }

  revocations(version: number, ...peerIds: string[]): Uint8Array {
    return signRevocations(this.key, { version, peerIds: new Set(peerIds) });
  }

  /** A member whose files are whole; `Membership` itself refuses to start with a certificate that does not hold. */
  async member(options: MemberOptions = {}): Promise<TestMember> {
    const identity = options.identity ?? newIdentity();
    const log = recordingLogger();
    const directory = await mkdtemp(join(this.directory, 'node-'));
    await writeFile(
      join(directory, 'certificate'),
      signedToText('certificate', this.certificate(identity.peerId, options)),
    );
    const clock: Clock = options.clock ?? systemClock;
    const membership = await Membership.open({
      peerId: identity.peerId,
      role: options.role ?? 'peer',
      clusterKeyFile: join(this.directory, 'cluster.pub'),
      certificateFile: join(directory, 'certificate'),
      revocationsFile: join(directory, 'revocations'),
      clock,
      log,
    });
    const node = await MemberNode.start({
      listen: ['/ip4/127.0.0.1/tcp/0'],
      clock,
      log,
      ...options,
      identity,
      membership,
    });
    this.#t.after(() => node.stop());
    return { node, log, directory, identity };
  }
}

export async function makeCluster(t: TestContext): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-cluster-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { privatePem, publicPem } = createClusterKey();
  await writeFile(join(directory, 'cluster.pub'), publicPem);
  await writeFile(join(directory, 'cluster.key'), privatePem, { mode: 0o600 });
  return new TestCluster(t, directory, privatePem);
}
