// Small bodies as a whole, with a limit; and what a registry says when it refuses.

import { z } from 'zod';
import type { Clock, Descriptor } from '../core/index.ts';
import { isShoalError, ShoalError } from '../core/index.ts';
import type { HttpResponse } from './http.ts';
import { rateLimit } from './rate-limit.ts';

export const PROXY_WANTS_CREDENTIALS =
  'the proxy wants a user name and password: put them into its address (http://USER:PASSWORD@HOST:PORT)';

/** Enough of an error answer to find its message. */
const MAX_ERROR_BYTES = 16 * 1024;
const MAX_ERROR_CHARS = 300;

/** Core's contract for documents: manifests, indexes and configs are read whole, and nothing larger is. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Throws `limit` for what is too large to be read whole. */
export function checkDocumentSize({ digest, size }: Descriptor, what: string): void {
  if (size <= MAX_DOCUMENT_BYTES) return;
  throw new ShoalError('limit', `${what}: ${digest} has ${size} bytes; a document has at most ${MAX_DOCUMENT_BYTES}`);
}

/** Collects a stream. Throws `limit` as soon as it is longer than `maxBytes`; the rest is not read. */
export async function readAll(pieces: AsyncIterable<Uint8Array>, maxBytes: number, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > maxBytes) throw new ShoalError('limit', `${what}: longer than ${maxBytes} bytes`);
    parts.push(piece);
  }
  return Buffer.concat(parts, length);
}

/**
 * The error for a status that was not hoped for; reads or discards the body. The HTTP table of this folder: 401 and
 * 403 (and a proxy's 407) are `unauthorized`, 404 `not-found`, 416 `malformed`, 429 and 5xx `unavailable`, the rest `unsupported`.
 */
export async function statusError(response: HttpResponse, what: string, clock: Clock): Promise<ShoalError> {
  const { status } = response;
  const said = await refusalText(response);
  const answer = `${response.url.host} answered ${status}${said && `: ${said}`}`;
  const retryAfterMs = parseRetryAfter(response.header('retry-after'), clock.now());
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 401)
    return new ShoalError('unauthorized', `${what}: wants other credentials, or does not exist; ${answer}`);
  if (status === 403) return new ShoalError('unauthorized', `${what}: not allowed; ${answer}`);
  if (status === 404) return new ShoalError('not-found', `${what}: not found; ${answer}`);
  if (status === 407) return new ShoalError('unauthorized', `${what}: ${PROXY_WANTS_CREDENTIALS}`);
  if (status === 416) return new ShoalError('malformed', `${what}: shorter than the image says; ${answer}`);
  if (status === 429) {
    const quota = rateLimit(name => response.header(name), retryAfterMs, response.url.host);
    const pause = quota.retryAfterMs === undefined ? {} : { retryAfterMs: quota.retryAfterMs };
    return new ShoalError('unavailable', `${what}: too many requests${quota.text}; ${answer}`, pause);
  }
  if (status >= 500) return new ShoalError('unavailable', `${what}: ${answer}`, options);
  return new ShoalError('unsupported', `${what}: ${answer}`);
}

/** `Retry-After` as milliseconds from now: seconds, or an HTTP date. Undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

const errorSchema = z.object({
  errors: z.array(z.object({ code: z.string().optional(), message: z.string().nullish() })).min(1),
});

/** What the registry says, by the distribution specification's error format, in printable characters; or nothing. */
async function refusalText(response: HttpResponse): Promise<string> {
  try {
    const bytes = await readAll(response.body, MAX_ERROR_BYTES, 'error answer');
    const parsed = errorSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    const first = parsed.data?.errors[0];
    const text = [first?.code, first?.message].filter(Boolean).join(' ');
    return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_ERROR_CHARS);
  } catch (error) {
    if (isShoalError(error, 'aborted')) throw error;
    return ''; // whatever else the body is, the status stands
  }
}
