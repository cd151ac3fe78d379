// Debian's docker-registry as a child process of a test: ephemeral port, storage in a temporary directory.
//
//   const registry = await startDockerRegistry(t, { user: { name: 'u', password: 'p' } });
//   registry.host       // 127.0.0.1:port, for references
//   registry.storage    // its directory, to look or to damage
//
// Everything ends with the test.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const BINARY = '/usr/bin/docker-registry';
const START_DEADLINE_MS = 20_000;

/** Why tests against the real registry cannot run here, or false: for the `skip` option of a test. */
export const noDockerRegistry: string | false = existsSync(BINARY) ? false : `${BINARY} is not installed`;

export interface DockerRegistry {
  readonly host: string;
  readonly storage: string;
  /** From now on this user, and no other, is let in. Only where one was from the start. */
  setUser(user: RegistryUser): Promise<void>;
  /** Ends it before the test does. Idempotent. */
  stop(): Promise<void>;
}

/** The part of a test context, or of anything else with an end, that this needs. */
export interface Ending {
  after(work: () => Promise<void>): void;
}

export interface RegistryUser {
  readonly name: string;
  readonly password: string;
}

export interface DockerRegistryOptions {
  /** Ask for basic auth with this user. Default: open to all. */
  readonly user?: RegistryUser;
  /** Paths of PEM files. With `clientAuthority` it wants a client certificate that this one signed. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientAuthority?: string };
  /** Ask for bearer tokens that the service at `realm` signs. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    /** Path of the PEM certificate whose key signs them. */
    readonly certificate: string;
  };
}

export async function startDockerRegistry(t: Ending, options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-registry-'));
  const storage = join(directory, 'storage');
  const config = join(directory, 'config.yml');
  await writeFile(config, configText(storage, await passwordFile(directory, options), options));
  // Only what the process needs: variables named REGISTRY_... would override its configuration.
  const child = spawn(BINARY, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  });
  const host = await addressOf(child.stderr);
  if (host === undefined) throw new Error('docker-registry did not start to listen');
  return { host, storage, stop, setUser: user => writePasswords(directory, user) };
}

/** Keeps reading for good afterwards: a full pipe would stop the registry. */
function addressOf(log: Readable): Promise<string | undefined> {
  const found = Promise.withResolvers<string | undefined>();
  let text: string | undefined = '';
  log.on('data', (piece: Buffer) => {
    if (text === undefined) return;
    text += piece.toString();
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1];
    if (address === undefined) return;
    text = undefined;
    found.resolve(address);
  });
  log.once('end', () => found.resolve(undefined));
  const deadline = setTimeout(() => found.resolve(undefined), START_DEADLINE_MS);
  return found.promise.finally(() => clearTimeout(deadline));
}

function configText(storage: string, htpasswd: string | undefined, { tls, token }: DockerRegistryOptions): string {
  const basic = htpasswd === undefined ? '' : `auth:\n  htpasswd:\n    realm: shoal-test\n    path: ${htpasswd}\n`;
  const { realm, service, issuer, certificate } = token ?? {};
  const auth =
    token === undefined
      ? basic
      : `auth:\n  token:\n    realm: ${realm}\n    service: ${service}\n    issuer: ${issuer}\n    rootcertbundle: ${certificate}\n`;
  const clients = tls?.clientAuthority === undefined ? '' : `    clientcas:\n      - ${tls.clientAuthority}\n`;
  const secure =
    tls === undefined ? '' : `  tls:\n    certificate: ${tls.certificate}\n    key: ${tls.key}\n${clients}`;
  return `version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: ${storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
${secure}${auth}`;
}

async function passwordFile(directory: string, { user }: DockerRegistryOptions): Promise<string | undefined> {
  if (!user) return undefined;
  await writePasswords(directory, user);
  return join(directory, PASSWORDS);
}

const PASSWORDS = 'htpasswd';

/** The registry reads the file again when its time changes. */
async function writePasswords(directory: string, { name, password }: RegistryUser): Promise<void> {
  await writeFile(join(directory, PASSWORDS), execFileSync('htpasswd', ['-nbB', name, password]));
}
