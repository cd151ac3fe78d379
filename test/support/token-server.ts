// A token service for Debian's docker-registry (distribution specification, "Token Authentication"): gives signed tokens
// (JWT, ES256) to one user, over TLS.
//
//   const authority = await makeAuthority(directory);
//   const tokens = await startTokenServer(t, { authority, user: { name: 'ada', password: 'p' } });
//   startDockerRegistry(t, { token: tokens.forRegistry })
//   tokens.knobs.saidSeconds = 1       // what its answers say of a token's life
//   tokens.knobs.acceptedSeconds = 2   // how long the registry takes it
//   tokens.issued                      // scopes of each token, in order

import { sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authority } from './certificates.ts';
import type { DockerRegistryOptions, Ending } from './docker-registry.ts';
import { TestServer } from './test-server.ts';

const SERVICE = 'shoal-test-registry';
const ISSUER = 'shoal-test-tokens';
/** docker-registry takes a token for so long after its end. */
const LEEWAY_SECONDS = 60;

interface Signer {
  readonly key: string;
  /** Base64 of the certificate's DER, for the token's header. */
  readonly certificate: string;
}

export interface TokenServerOptions {
  readonly authority: Authority;
  readonly user: { readonly name: string; readonly password: string };
}

export class TokenServer {
  readonly knobs = { saidSeconds: 300, acceptedSeconds: 300 };
  readonly issued: string[] = [];
  readonly #server: TestServer;
  readonly #signer: Signer;
  readonly #options: TokenServerOptions;

  constructor(tls: { readonly cert: Buffer; readonly key: Buffer }, signer: Signer, options: TokenServerOptions) {
    this.#server = new TestServer((request, response) => this.#answer(request, response), tls);
    this.#signer = signer;
    this.#options = options;
  }

  get host(): string {
    return this.#server.host;
  }

  get forRegistry(): NonNullable<DockerRegistryOptions['token']> {
    const { certificate } = this.#options.authority;
    return { realm: `https://${this.host}/token`, service: SERVICE, issuer: ISSUER, certificate };
  }

  start(): Promise<void> {
    return this.#server.listen();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', `https://${this.host}`);
    const { name, password } = this.#options.user;
    const wanted = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    const isRight = request.headers.authorization === wanted && url.searchParams.get('service') === SERVICE;
    if (!isRight) return void response.writeHead(401).end();
    const scopes = url.searchParams.getAll('scope');
    this.issued.push(scopes.join(' '));
    const body = { token: this.#token(scopes), expires_in: this.knobs.saidSeconds };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #token(scopes: readonly string[]): string {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map(scope => {
      const [type, name, actions] = scope.split(':');
      return { type, name, actions: actions?.split(',') };
    });
    const claims = {
      iss: ISSUER,
      sub: this.#options.user.name,
      aud: SERVICE,
      nbf: now - LEEWAY_SECONDS,
      iat: now,
      exp: now + this.knobs.acceptedSeconds - LEEWAY_SECONDS,
      access,
    };
    const header = { typ: 'JWT', alg: 'ES256', x5c: [this.#signer.certificate] };
    const signed = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const key = { key: this.#signer.key, dsaEncoding: 'ieee-p1363' } as const;
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  }
}

export async function startTokenServer(t: Ending, options: TokenServerOptions): Promise<TokenServer> {
  const { authority } = options;
  const [server, signer] = [await authority.sign('token-server', 'IP:127.0.0.1'), await authority.sign('token-signer')];
  const tls = { cert: await readFile(server.certificate), key: await readFile(server.key) };
  const certificate = new X509Certificate(await readFile(signer.certificate)).raw.toString('base64');
  const tokens = new TokenServer(tls, { key: await readFile(signer.key, 'utf8'), certificate }, options);
  await tokens.start();
  t.after(() => tokens.close());
  return tokens;
}
