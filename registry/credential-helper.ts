// docker's credential helpers: programs named docker-credential-NAME that keep passwords in the system's key ring or get
// them from a cloud (github.com/docker/docker-credential-helpers). What they say goes nowhere but into the answer.

import { execFile } from 'node:child_process';
import { z } from 'zod';
import { errnoOf, ShoalError } from '../core/index.ts';
import type { Credential } from './credential.ts';
import { credentialOf } from './credential.ts';
import { DOCKER_HUB } from './reference.ts';

/** Helpers of clouds ask a service over the network; one that waits for a person at a key ring must not hang a node. */
const HELPER_TIMEOUT_MS = 30_000;
/** An answer is a name and a token of a few kilobytes. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_QUOTED_CHARS = 200;
/** The name becomes part of a program's name: nothing that could lead elsewhere. */
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Docker stores Hub's credential under this address. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
/** The text by which the protocol tells "nothing stored for this host" from a failure. */
const NOT_FOUND = /credentials not found/i;

const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() });

export interface HelperOptions {
  /** The helper's environment (its PATH finds it). */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks `docker-credential-NAME get` for the host's credential; undefined when it has none. Rejects with `not-found` for
 * a helper that is not installed, `timeout`, `aborted`, `malformed` for an answer of another form, `usage` for a name
 * that is none, `unauthorized` when the helper fails. Messages name the helper and never what it gave.
 */
export async function askHelper(name: string, host: string, options: HelperOptions): Promise<Credential | undefined> {
  if (!HELPER_NAME.test(name)) {
    throw new ShoalError('usage', `credential helper ${JSON.stringify(name.slice(0, 100))}: not the name of a helper`);
  }
  const outcome = await runHelper(`docker-credential-${name}`, host === DOCKER_HUB ? DOCKER_HUB_KEY : host, options);
  if (outcome.kind === 'failed') {
    if (NOT_FOUND.test(outcome.said)) return undefined;
    throw helperError(name, host, outcome, options.signal);
  }
  const parsed = answerSchema.safeParse(parseJson(outcome.answer));
  if (!parsed.success) {
    throw new ShoalError(
      'malformed',
      `credential helper docker-credential-${name}: its answer for ${host} is no credential`,
    );
  }
  const { Username, Secret } = parsed.data;
  return Secret === '' ? undefined : credentialOf(Username, Secret);
}

type Outcome =
  | { readonly kind: 'answered'; readonly answer: string }
  /** `said` is what it printed: its error message, by the protocol. */
  | { readonly kind: 'failed'; readonly error: Error; readonly said: string };

function runHelper(program: string, question: string, { env, signal }: HelperOptions): Promise<Outcome> {
  return new Promise(resolve => {
    const child = execFile(
      program,
      ['get'],
      {
        env,
        signal,
        timeout: HELPER_TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_ANSWER_BYTES,
        encoding: 'utf8',
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ kind: 'answered', answer: stdout });
        else resolve({ kind: 'failed', error, said: stdout.trim() || stderr.trim() });
      },
    );
    // A helper that ends without reading breaks the pipe; its exit code says the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${question}\n`);
  });
}

function helperError(
  name: string,
  host: string,
  { error, said }: Outcome & { kind: 'failed' },
  signal: AbortSignal | undefined,
): ShoalError {
  const what = `credential helper docker-credential-${name} for ${host}`;
  if (signal?.aborted) return new ShoalError('aborted', `${what}: aborted`);
  if (errnoOf(error) === 'ENOENT') {
    return new ShoalError('not-found', `${what}: not on the PATH; docker's config.json names it`);
  }
  if (errnoOf(error) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new ShoalError('limit', `${what}: answers more than ${MAX_ANSWER_BYTES} bytes`);
  }
  if ('killed' in error && error.killed === true) {
    return new ShoalError('timeout', `${what}: no answer within ${HELPER_TIMEOUT_MS / 1000} s`);
  }
  const text = said.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_QUOTED_CHARS) || errnoOf(error) || 'without a word';
  return new ShoalError('unauthorized', `${what}: failed: ${text}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no cause: V8 quotes the text, which may be a password
  }
}
