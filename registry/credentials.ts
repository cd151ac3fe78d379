// Who we are at which registry: docker's config.json with its credential helpers, or what a person gave for one image.
// Passwords pass through here and are never logged. The file is read (and the helper asked) anew for every question, so
// that a fresh `docker login` helps a daemon that has been running for weeks.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf, fromSystemError, ShoalError, SingleFlight } from '../core/index.ts';
import type { Credential } from './credential.ts';
import { credentialOf } from './credential.ts';
import { askHelper } from './credential-helper.ts';
import { canonicalHost } from './host-name.ts';

/** The credential for a registry host (`docker.io`, `host:port`), or undefined to go anonymously. */
export type CredentialLookup = (
  host: string,
  options?: { readonly signal?: AbortSignal | undefined },
) => Promise<Credential | undefined>;

export const anonymous: CredentialLookup = async () => undefined;

const configSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().nullish(),
        username: z.string().nullish(),
        password: z.string().nullish(),
        identitytoken: z.string().nullish(),
      }),
    )
    .nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

type DockerConfig = z.infer<typeof configSchema>;
type AuthEntry = NonNullable<DockerConfig['auths']>[string];

/**
 * Credentials by the file at `path`: from the host's helper (`credHelpers`, else `credsStore`), else from `auths`, also
 * when the helper fails; a missing file means none. `env` is what helpers are run with. A lookup throws `malformed` for a broken file, and what
 * `askHelper` throws. One helper per host runs at a time, however many ask.
 */
export function dockerConfigCredentials(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): CredentialLookup {
  const helpers = new SingleFlight<string, Credential | undefined>();
  return async (host, { signal } = {}) => {
    const text = await readConfig(path);
    if (text === undefined) return undefined;
    const written = findCredential(text, host, path);
    const helper = findHelper(text, host, path);
    if (helper === undefined) return written;
    const ask = (own: AbortSignal) => askHelper(helper, host, { env, signal: own });
    const given = await helpers.run(`${helper} ${host}`, ask, { signal }).catch((error: unknown) => {
      // A file that came from another machine names helpers that are not here, and may be of use all the same.
      if (written === undefined) throw error;
      return undefined;
    });
    return given ?? written;
  };
}

/** `credential` for this host, and whatever `others` says for every other one (a mirror, for example). */
export function credentialFor(
  host: string,
  credential: () => Promise<Credential>,
  others: CredentialLookup,
): CredentialLookup {
  const mine = canonicalHost(host);
  return (asked, options) => (canonicalHost(asked) === mine ? credential() : others(asked, options));
}

async function readConfig(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `reading registry credentials from ${path}`);
  }
}

/** The credential for `host` in the text of a config.json. `what` names it in errors, which quote nothing of it. */
export function findCredential(text: string, host: string, what: string): Credential | undefined {
  const entry = ofHost(parseConfig(text, what).auths ?? {}, host);
  return entry && credentialIn(entry, `${what}: auths of ${host}`);
}

/** The name of the helper that keeps the credential of `host`, if any does. */
export function findHelper(text: string, host: string, what: string): string | undefined {
  const { credHelpers, credsStore } = parseConfig(text, what);
  return ofHost(credHelpers ?? {}, host) || credsStore || undefined;
}

function parseConfig(text: string, what: string): DockerConfig {
  const parsed = configSchema.safeParse(parseJson(text, what));
  if (parsed.success) return parsed.data;
  const key = String(parsed.error.issues[0]?.path[0] ?? 'the file');
  throw new ShoalError('malformed', `${what}: ${key} is not of the form that docker login writes`);
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
function ofHost<T>(table: Readonly<Record<string, T>>, host: string): T | undefined {
  const wanted = canonicalHost(host);
  return Object.entries(table).find(([key]) => canonicalHost(key) === wanted)?.[1];
}

function credentialIn(entry: AuthEntry, what: string): Credential | undefined {
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw new ShoalError('malformed', `${what}: auth is not the base64 of user:password`);
    // Some versions of docker login padded the text with NUL bytes.
    return credentialOf(decoded.slice(0, colon), decoded.slice(colon + 1).replace(/\0+$/, ''));
  }
  if (entry.username && entry.password) return credentialOf(entry.username, entry.password);
  return undefined;
}
