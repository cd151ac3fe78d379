// The files that say whom to trust and who we are: certificate authorities, client certificates and keys, from a host's
// settings and from docker's directory of certificates. Reads and checks; tls-profiles.ts uses them.

import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { errnoOf, fromSystemError, messageOf, ShoalError } from '../core/index.ts';
import type { RegistryHostSettings } from './host-settings.ts';

/** A bundle of all authorities of the world has 200 KB; what is much larger is no certificate. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Where distributions keep the authorities that their administrator trusts, the company's among them; first one wins. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Arch
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/ssl/cert.pem', // Alpine, macOS
];

export interface PemFile {
  readonly path: string;
  readonly text: string;
}

export interface CertificateFiles {
  readonly authorities: readonly PemFile[];
  /** Who we are, if the registry should ask. */
  readonly identities: readonly { readonly certificate: PemFile; readonly key: PemFile }[];
}

/**
 * The files for a host (as in its address: `HOST` or `HOST:PORT`): those of its settings, those of `directory/HOST`
 * (`*.crt` authorities; `NAME.cert` with `NAME.key` ours, as docker has it), and the system's authorities. Errors name
 * the file or directory.
 */
export async function readCertificates(
  host: string,
  settings: RegistryHostSettings,
  directory: string | undefined,
): Promise<CertificateFiles> {
  const system = await readFirst(SYSTEM_BUNDLES);
  const found = directory === undefined ? NO_FILES : await readDirectory(join(directory, host));
  const own = settings.ca === undefined ? [] : [await readPem(settings.ca, `CA of ${host}`)];
  const identity = await settingsIdentity(host, settings);
  return {
    authorities: [...system, ...found.authorities, ...own],
    // What somebody wrote for this host by hand goes before what lies in a directory.
    identities: identity === undefined ? found.identities : [identity],
  };
}

/** The context for connections; throws `malformed` naming the file that OpenSSL does not take. */
export function secureContext({ authorities, identities }: CertificateFiles): SecureContext {
  for (const authority of authorities) checkCertificate(authority);
  for (const { certificate, key } of identities) checkIdentity(certificate, key);
  try {
    return createSecureContext({
      ca: [...getCACertificates('default'), ...authorities.map(({ text }) => text)],
      ...(identities.length > 0 && {
        cert: identities.map(({ certificate }) => certificate.text),
        key: identities.map(({ key }) => key.text),
      }),
    });
  } catch (error) {
    const paths = [...authorities, ...identities.map(({ certificate }) => certificate)].map(({ path }) => path);
    throw new ShoalError('malformed', `certificates ${paths.join(', ')}: ${messageOf(error)}`);
  }
}

const NO_FILES: CertificateFiles = { authorities: [], identities: [] };

async function settingsIdentity(host: string, { clientCert, clientKey }: RegistryHostSettings) {
  if (clientCert === undefined && clientKey === undefined) return undefined;
  if (clientCert === undefined || clientKey === undefined) {
    throw new ShoalError('usage', `registry ${host}: client-cert and client-key need each other; only one is set`);
  }
  const certificate = await readPem(clientCert, `client certificate for ${host}`);
  return { certificate, key: await readPem(clientKey, `key of the client certificate for ${host}`) };
}

async function readDirectory(path: string): Promise<CertificateFiles> {
  const names = await list(path);
  const authorities = await Promise.all(
    names.filter(name => name.endsWith('.crt')).map(name => readPem(join(path, name), 'CA')),
  );
  const identities: CertificateFiles['identities'][number][] = [];
  for (const name of names) {
    const [stem, kind] = [name.replace(/\.(cert|key)$/, ''), /\.(cert|key)$/.exec(name)?.[1]];
    if (kind === undefined) continue;
    const partner = `${stem}.${kind === 'cert' ? 'key' : 'cert'}`;
    if (!names.includes(partner)) {
      const hint = kind === 'cert' ? ' (an authority is named *.crt)' : '';
      throw new ShoalError('not-found', `${join(path, name)}: ${partner} is missing beside it${hint}`);
    }
    if (kind === 'key') continue;
    const certificate = await readPem(join(path, name), 'client certificate');
    identities.push({ certificate, key: await readPem(join(path, partner), 'key of a client certificate') });
  }
  return { authorities, identities };
}

async function list(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw fromSystemError(error, `certificates in ${path}`);
  }
}

async function readFirst(paths: readonly string[]): Promise<PemFile[]> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return [{ path, text }];
  }
  return [];
}

async function readPem(path: string, what: string): Promise<PemFile> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new ShoalError('limit', `${what} ${path}: ${size} bytes, no certificate file`);
    return { path, text: await readFile(path, 'utf8') };
  } catch (error) {
    throw fromSystemError(error, `${what} ${path}`);
  }
}

/** OpenSSL takes a file without certificates in silence, and then trusts nobody. */
function checkCertificate({ path, text }: PemFile): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new ShoalError('malformed', `${path}: holds no PEM certificate`);
  }
}

/** No causes: they could quote a key. */
function checkIdentity(certificate: PemFile, key: PemFile): void {
  checkCertificate(certificate);
  try {
    createSecureContext({ cert: certificate.text, key: key.text });
  } catch (error) {
    const why = errnoOf(error) ?? 'not a PEM key';
    throw new ShoalError('malformed', `${key.path}: no usable key for the certificate ${certificate.path} (${why})`);
  }
}
