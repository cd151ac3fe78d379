// shoal cluster: makes a cluster's key, certificates and revocations, and this node's identity. No daemon is needed.

import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fromSystemError, isShoalError, ShoalError, systemClock } from '../../core/index.ts';
import { openIdentity, readSmallFile, writeSmallFile } from '../../peer/index.ts';
import {
  checkCertificate,
  checkRevocations,
  clusterName,
  createClusterKey,
  decodeCertificate,
  decodeRevocations,
  issueCertificate,
  type MemberCertificate,
  type MemberRole,
  peerIdToBytes,
  type RevokedPeers,
  readClusterPrivateKey,
  readClusterPublicKey,
  signedFromText,
  signedToText,
  signRevocations,
} from '../../proto/index.ts';
import type { CommandContext } from '../command.ts';
import { printJson, printLine } from '../output.ts';

const DAY_S = 86_400;
const SERIAL_BYTES = 16;
const FOR_ALL = 0o644;

export async function clusterInit({ settings }: CommandContext, directory: string): Promise<void> {
  const { privatePem, publicPem } = createClusterKey();
  const privateKey = join(directory, 'cluster.key');
  const publicKey = join(directory, 'cluster.pub');
  await makeDirectory(directory);
  // A key is never replaced: the certificates of a whole cluster are of no use without it.
  await writeSmallFile(privateKey, privatePem, { replace: false });
  await writeSmallFile(publicKey, publicPem, { replace: false, mode: FOR_ALL });
  const cluster = clusterName(readClusterPublicKey(publicPem, publicKey));
  if (settings.json) return printJson({ cluster, privateKey, publicKey });
  printLine(`cluster ${cluster}`);
  printLine(`${privateKey}  signs certificates: keep it secret, and off the nodes`);
  printLine(`${publicKey}  goes to every node`);
}

export async function clusterId({ settings }: CommandContext): Promise<void> {
  const { peerId } = await openIdentity(settings.peerDirectory);
  if (settings.json) printJson({ peerId });
  else printLine(peerId);
}

export interface CertifyOptions {
  readonly key: string;
  readonly peer?: readonly string[];
  readonly peers?: string;
  readonly role: MemberRole;
  readonly days: number;
  readonly out?: string;
}

export async function clusterCertify({ settings }: CommandContext, options: CertifyOptions): Promise<void> {
  const key = await readPrivateKey(options.key);
  const peerIds = await peersOf(options);
  const { role, out } = options;
  const isOne = peerIds.length === 1 && options.peers === undefined;
  if (!isOne && out === undefined) throw new ShoalError('usage', `${peerIds.length} certificates need --out DIR`);
  if (!isOne && out !== undefined) await makeDirectory(out);
  const written: (MemberCertificate & { readonly file?: string })[] = [];
  for (const peerId of peerIds) {
    const notBefore = Math.floor(systemClock.now() / 1000);
    const serial = randomBytes(SERIAL_BYTES);
    const notAfter = notBefore + options.days * DAY_S;
    const encoded = issueCertificate(key, { peerId, serial, notBefore, notAfter, roles: [role] });
    const text = signedToText('certificate', encoded);
    const file = isOne || out === undefined ? out : join(out, `${peerId}.cert`);
    if (file !== undefined) await writeSmallFile(file, text, { replace: true, mode: FOR_ALL });
    else if (!settings.json) process.stdout.write(text);
    written.push({ ...decodeCertificate(encoded), ...(file === undefined ? { certificate: text } : { file }) });
  }
  if (settings.json) printJson({ cluster: clusterName(key), certificates: written.map(asJson) });
  else for (const { file, ...member } of written) if (file !== undefined) printLine(`${file}  ${summary(member)}`);
}

export interface RevokeOptions {
  readonly key: string;
  readonly peer?: readonly string[];
  readonly out?: string;
}

export async function clusterRevoke({ settings }: CommandContext, options: RevokeOptions): Promise<void> {
  const key = await readPrivateKey(options.key);
  const file = options.out ?? join(dirname(options.key), 'revocations');
  const peers = await peersOf(options);
  const before = await readRevocations(file, key);
  const revoked: RevokedPeers = { version: before.version + 1, peerIds: new Set([...before.peerIds, ...peers]) };
  await writeSmallFile(file, signedToText('revocations', signRevocations(key, revoked)), {
    replace: true,
    mode: FOR_ALL,
  });
  const { version, peerIds } = revoked;
  if (settings.json) printJson({ file, version, peerIds: [...peerIds] });
  else printLine(`${file}  number ${version}, ${peerIds.size} revoked`);
}

export async function clusterShow(
  { settings }: CommandContext,
  file: string,
  options: { readonly key?: string },
): Promise<void> {
  const { text } = await readSmallFile(file, { secret: false });
  const key = options.key === undefined ? undefined : await readPublicKey(options.key);
  const shown = describe(text, file, key);
  if (settings.json) return printJson(shown);
  for (const [name, value] of Object.entries(shown)) {
    printLine(`${`${name}:`.padEnd(12)} ${Array.isArray(value) ? value.join('\n'.padEnd(14)) : value}`);
  }
}

type Shown = Readonly<Record<string, string | number | boolean | readonly string[]>>;

function describe(text: string, file: string, key: KeyObject | undefined): Shown {
  if (text.includes('BEGIN SHOAL CERTIFICATE')) {
    const encoded = signedFromText('certificate', text, file);
    const member = decodeCertificate(encoded);
    const nowMs = systemClock.now();
    if (key !== undefined) checkCertificate(encoded, { clusterKey: key, peerId: member.peerId, nowMs });
    return { kind: 'certificate', ...asJson(member), checked: key !== undefined };
  }
  if (text.includes('BEGIN SHOAL REVOCATIONS')) {
    const encoded = signedFromText('revocations', text, file);
    const { version, peerIds } = key === undefined ? decodeRevocations(encoded) : checkRevocations(encoded, key);
    return { kind: 'revocations', version, peerIds: [...peerIds], checked: key !== undefined };
  }
  const isPrivate = text.includes('PRIVATE KEY');
  const found = readClusterPublicKey(text, file);
  return { kind: isPrivate ? 'private key' : 'public key', cluster: clusterName(found) };
}

function asJson<T extends MemberCertificate>({ notBefore, notAfter, ...rest }: T) {
  return { ...rest, notBefore: isoTime(notBefore), notAfter: isoTime(notAfter) };
}

function summary({ peerId, roles, notAfter }: MemberCertificate): string {
  return `${peerId}, ${roles.join(', ')}, until ${isoTime(notAfter)}`;
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

async function peersOf({ peer = [], peers }: { readonly peer?: readonly string[]; readonly peers?: string }) {
  const listed = peers === undefined ? '' : peers === '-' ? await textOf(process.stdin) : await textOfFile(peers);
  const ids = [...peer, ...listed.split('\n').map(line => line.trim())].filter(id => id !== '');
  for (const id of ids) peerIdToBytes(id); // says which of them is none
  if (ids.length === 0) throw new ShoalError('usage', 'no peer is named: --peer ID');
  return [...new Set(ids)];
}

async function textOfFile(path: string): Promise<string> {
  return (await readSmallFile(path, { secret: false })).text;
}

async function readPrivateKey(path: string): Promise<KeyObject> {
  const { text } = await readSmallFile(path, { secret: true });
  return readClusterPrivateKey(text, path);
}

async function readPublicKey(path: string): Promise<KeyObject> {
  return readClusterPublicKey(await textOfFile(path), path);
}

async function readRevocations(file: string, key: KeyObject): Promise<RevokedPeers> {
  try {
    const encoded = signedFromText('revocations', await textOfFile(file), file);
    return checkRevocations(encoded, createPublicKey(key));
  } catch (error) {
    if (isShoalError(error, 'not-found')) return { version: 0, peerIds: new Set() };
    throw error;
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch(error => {
    throw fromSystemError(error, `make ${path}`);
  });
}
