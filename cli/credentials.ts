// Credentials that a person gives to one command: --creds USER[:PASSWORD], or the environment, which other users of the
// machine cannot see. They go to the image's registry, or with a mount to the daemon, and nowhere else.

import { abortedError, type MountCredentials, ShoalError } from '../core/index.ts';
import { parseReference } from '../registry/index.ts';
import type { CommandContext } from './command.ts';

/** Passwords: for this process, not for the daemon, helpers and programs that it starts. */
export const CREDENTIAL_VARIABLES = ['SHOAL_CREDS', 'SHOAL_SRC_CREDS', 'SHOAL_DEST_CREDS'] as const;

/** The environment as programs get it that a command starts. */
export function withoutCredentials(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !CREDENTIAL_VARIABLES.some(own => own === name)));
}

/** References by the option that gives credentials for one of them; the option is refused where that is nobody. */
export type CredentialUse = Readonly<Record<string, readonly (string | undefined)[]>>;

/** Throws `usage` for an option's credentials that no registry would get. The environment's are for many commands. */
export function refuseIdleCredentials(given: Readonly<Record<string, unknown>>, use: CredentialUse): void {
  for (const [option, references] of Object.entries(use)) {
    if (given[option] === undefined) continue;
    const named = references.filter(reference => reference !== undefined);
    if (named.some(reference => parseReference(reference).kind === 'registry')) continue;
    const flag = `--${option.replace('C', '-c')}`;
    const found = named.length === 0 ? 'there is none here' : `found ${named.join(' and ')}`;
    throw new ShoalError('usage', `${flag}: expected an image in a registry, ${found}`);
  }
}

/** A password is one line; tokens of clouds have a few kilobytes. */
const MAX_PASSWORD_BYTES = 16 * 1024;

/**
 * What was given, or undefined. The result reads the password from standard input when it is called and there is none
 * in the option. Throws `usage` for credentials without a user name, or whose password would have to come from a
 * standard input that is the program's (`shoal run`).
 */
export function givenCredentials(
  context: CommandContext,
  options: { readonly creds?: string | undefined },
  { standardInput = 'ours' }: { readonly standardInput?: 'ours' | 'program' } = {},
): (() => Promise<MountCredentials>) | undefined {
  const text = options.creds ?? context.env['SHOAL_CREDS'];
  if (text === undefined || text === '') return undefined;
  const colon = text.indexOf(':');
  const username = colon < 0 ? text : text.slice(0, colon);
  if (username === '') throw new ShoalError('usage', '--creds: expected USER:PASSWORD or USER, found no user name');
  if (colon >= 0) return async () => ({ username, password: text.slice(colon + 1) });
  if (standardInput === 'program') {
    throw new ShoalError(
      'usage',
      "--creds: the program's standard input holds no password; use SHOAL_CREDS=USER:PASSWORD",
    );
  }
  return async () => ({ username, password: await passwordFromInput(context.signal) });
}

let asked: Promise<string> | undefined;

/** The first line of standard input, read once however many registries ask. */
function passwordFromInput(signal: AbortSignal): Promise<string> {
  asked ??= readPassword(process.stdin, signal);
  return asked;
}

async function readPassword(input: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  if (input.isTTY) {
    throw new ShoalError('usage', '--creds: no password; give it on standard input: shoal ... --creds USER < FILE');
  }
  signal.addEventListener('abort', () => input.destroy(abortedError(signal)), { once: true });
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of input as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (piece.includes('\n') || length > MAX_PASSWORD_BYTES) break;
  }
  const [line = ''] = Buffer.concat(pieces).toString('utf8').split(/\r?\n/);
  if (line === '' || Buffer.byteLength(line) > MAX_PASSWORD_BYTES) {
    throw new ShoalError('usage', '--creds: standard input holds no password (one line)');
  }
  return line;
}
