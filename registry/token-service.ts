// A registry's token service (distribution specification, "Token Authentication" and "OAuth2"): long-lived credentials
// in, short-lived bearer tokens out. Asks once; who waits and what is remembered is auth.ts's business.

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { readAll, statusError } from './body.ts';
import type { Credential } from './credential.ts';
import type { HttpClient, HttpResponse } from './http.ts';

const MAX_TOKEN_ANSWER_BYTES = 1024 * 1024;
/** What the specification says when the answer does not. */
const DEFAULT_TOKEN_SECONDS = 60;
const MAX_TOKEN_SECONDS = 24 * 3600;
/** A token is replaced this long before it expires, but never before four fifths of its life. */
const EXPIRY_MARGIN_MS = 10_000;
/** A token service only looks somebody up; readers wait meanwhile. */
const TOKEN_ANSWER_MS = 20_000;
/** Who we are to services that keep books about it. */
const CLIENT_ID = 'shoal';
/** Identity tokens that a service replaced; a node has one per registry. */
const MAX_RENEWED = 256;

export interface TokenQuestion {
  readonly realm: URL;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  /** The registry, and the image, for messages. */
  readonly what: string;
  /** Nobody checks the registry's certificate, which named the realm: there is nothing left to protect. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

export interface Token {
  readonly header: string;
  /** On the monotonic clock. */
  readonly freshUntil: number;
}

const tokenSchema = z.looseObject({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nullish(),
  refresh_token: z.string().nullish(),
});

export class TokenService {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  /** Identity token as configured, to the one that the service gave in its place. In memory only. */
  readonly #renewed = new LRUCache<string, string>({ max: MAX_RENEWED });

  constructor(parts: { readonly http: HttpClient; readonly clock: Clock }) {
    this.#http = parts.http;
    this.#clock = parts.clock;
  }

  /** Rejects with `unauthorized` when refused, `malformed` for an answer without a token, and as HttpClient does. */
  async fetch(question: TokenQuestion): Promise<Token> {
    const { credential } = question;
    if (credential?.kind !== 'identity-token') {
      const known = credential && basic(credential.username, credential.password);
      return this.#read(await this.#get(question, known), question);
    }
    const identity = this.#renewed.get(credential.token) ?? credential.token;
    const response = await this.#exchange(question, identity);
    // Services of the older protocol know no POST: asked the old way, with a password that has no user's name.
    if (response.status === 404 || response.status === 405) {
      await response.discard();
      return this.#read(await this.#get(question, basic('', identity)), question);
    }
    if (response.status !== 200) this.#renewed.delete(credential.token);
    return this.#read(response, question, credential.token);
  }

  #get(question: TokenQuestion, authorization: string | undefined): Promise<HttpResponse> {
    const { what, insecure, signal } = question;
    const url = new URL(question.realm);
    if (question.service !== '') url.searchParams.set('service', question.service);
    for (const scope of question.scopes) url.searchParams.append('scope', scope);
    return this.#http.send({ method: 'GET', url, what, insecure, authorization, answerMs: TOKEN_ANSWER_MS, signal });
  }

  #exchange(question: TokenQuestion, identity: string): Promise<HttpResponse> {
    const { realm, what, insecure, signal } = question;
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: question.service,
      client_id: CLIENT_ID,
      scope: question.scopes.join(' '),
      refresh_token: identity,
    });
    return this.#http.send({
      method: 'POST',
      url: new URL(realm),
      what,
      insecure,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
      answerMs: TOKEN_ANSWER_MS,
      signal,
    });
  }

  async #read(response: HttpResponse, { what }: TokenQuestion, identity?: string): Promise<Token> {
    if (response.status !== 200) throw await statusError(response, what, this.#clock);
    const bytes = await readAll(response.body, MAX_TOKEN_ANSWER_BYTES, what);
    const answer = tokenSchema.safeParse(parseJson(bytes)).data;
    const token = answer?.token || answer?.access_token;
    // The token goes into a header: characters that could end it are refused.
    if (!token || !/^[\x21-\x7e]+$/.test(token))
      throw new ShoalError('malformed', `${what}: the answer holds no token`);
    if (identity !== undefined && answer?.refresh_token) this.#renewed.set(identity, answer.refresh_token);
    const seconds = Math.min(MAX_TOKEN_SECONDS, Math.max(0, answer?.expires_in ?? DEFAULT_TOKEN_SECONDS));
    const lifeMs = seconds * 1000;
    const freshMs = Math.max(lifeMs - EXPIRY_MARGIN_MS, lifeMs * 0.8);
    return { header: `Bearer ${token}`, freshUntil: this.#clock.monotonic() + freshMs };
  }
}

/** An Authorization header (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
