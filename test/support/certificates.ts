// Certificates for tests, made by openssl: an authority, and what it signs.
//
//   const authority = await makeAuthority(directory);
//   const server = await authority.sign('server', 'IP:127.0.0.1');   // paths of PEM files
//   const client = await authority.sign('ada');
//   https.createServer({ cert: await readFile(server.certificate), key: … })

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DAYS = '2';

export interface CertificateFiles {
  /** Path, PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends CertificateFiles {
  /** A certificate for this name; `subjectAltName` as openssl writes it (`DNS:registry.test,IP:127.0.0.1`). */
  sign(name: string, subjectAltName?: string): Promise<CertificateFiles>;
}

/** Files go to `directory`, which is the caller's to remove. */
export async function makeAuthority(directory: string, name = 'authority'): Promise<Authority> {
  const own = filesOf(directory, name);
  const request = ['req', '-x509', '-subj', `/CN=shoal test ${name}`, '-days', DAYS, '-out', own.certificate];
  await run('openssl', [...request, ...newKey(own.key)]);
  const sign = async (subject: string, subjectAltName = 'DNS:unused.test') => {
    const signed = filesOf(directory, `${name}-${subject}`);
    const signingRequest = join(directory, `${name}-${subject}.csr`);
    const extensions = join(directory, `${name}-${subject}.ext`);
    await writeFile(extensions, `subjectAltName=${subjectAltName}\n`);
    await run('openssl', ['req', '-new', '-subj', `/CN=${subject}`, '-out', signingRequest, ...newKey(signed.key)]);
    const by = ['-CA', own.certificate, '-CAkey', own.key, '-CAcreateserial', '-days', DAYS];
    await run('openssl', [
      'x509',
      '-req',
      '-in',
      signingRequest,
      ...by,
      '-extfile',
      extensions,
      '-out',
      signed.certificate,
    ]);
    return signed;
  };
  return { ...own, sign };
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path];
}

function filesOf(directory: string, name: string): CertificateFiles {
  return { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}
