// Who we are at which registry, from Docker's config.json. Passwords pass through here and are never logged; the file
// is read anew for every question, so that a fresh `docker login` helps a daemon that has been running for weeks.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf, fromSystemError, ShoalError } from '../core/index.ts';

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** The credential for a registry host (`docker.io`, `host:port`), or undefined to go anonymously. */
export type CredentialLookup = (host: string) => Promise<Credential | undefined>;

export const anonymous: CredentialLookup = async () => undefined;

const configSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().nullish(),
        username: z.string().nullish(),
        password: z.string().nullish(),
      }),
    )
    .nullish(),
});

type AuthEntry = NonNullable<z.infer<typeof configSchema>['auths']>[string];

/** Credentials from the file at `path`; a missing file means none. A lookup throws `malformed` for a broken file. */
export function dockerConfigCredentials(path: string): CredentialLookup {
  return async host => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fromSystemError(error, `reading registry credentials from ${path}`);
    }
    return findCredential(text, host, path);
  };
}

/** The credential for `host` in the text of a config.json. `what` names it in errors, which quote nothing of it. */
export function findCredential(text: string, host: string, what: string): Credential | undefined {
  const parsed = configSchema.safeParse(parseJson(text, what));
  if (!parsed.success) {
    throw new ShoalError('malformed', `${what}: auths is not of the form that docker login writes`);
  }
  const wanted = normalHost(host);
  for (const [key, entry] of Object.entries(parsed.data.auths ?? {})) {
    if (normalHost(key) === wanted) return credentialOf(entry, `${what}: auths of ${host}`);
  }
  return undefined;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: V8 quotes the text around the error, which may be a password.
    throw new ShoalError('malformed', `${what} is no valid JSON`);
  }
}

/** Keys may be URLs (`https://index.docker.io/v1/`), and Docker Hub has several names. */
function normalHost(key: string): string {
  const host = key
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function credentialOf(entry: AuthEntry, what: string): Credential | undefined {
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw new ShoalError('malformed', `${what}: auth is not the base64 of user:password`);
    // Some versions of docker login padded the text with NUL bytes.
    return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
  }
  if (entry.username && entry.password) return { username: entry.username, password: entry.password };
  return undefined;
}
