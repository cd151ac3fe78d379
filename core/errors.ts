// The one error class of the project and the closed list of its codes.
// Callers match `code`, never message text. Whether a retry can help is decided where the fact is known.

/** Why something failed. Each code maps to one exit code (cli/exit-codes.ts) and one errno (daemon/fuse/errno.ts). */
export type ErrorCode =
  /** The user asked for something that makes no sense: bad flag, bad reference, bad combination. */
  | 'usage'
  /** The named image, tag, blob, path or mount does not exist. */
  | 'not-found'
  /** The registry wants credentials, or refused the ones we have. */
  | 'unauthorized'
  /** The other side could not be reached or broke off. Retryable. */
  | 'unreachable'
  /** The other side answered with an error that is not about us (5xx) or asked us to slow down (429). Retryable. */
  | 'unavailable'
  /** A deadline passed. */
  | 'timeout'
  /** The caller's signal fired. */
  | 'aborted'
  /** Bytes do not have the digest they must have. */
  | 'digest-mismatch'
  /** Bytes are not of the format they claim: truncated, out of range, contradictory. */
  | 'malformed'
  /** Well-formed, but of a kind that Shoal does not do (RAFS v5, encryption, ...). */
  | 'unsupported'
  /** The target is in use or already exists. */
  | 'busy'
  /** A file system is full or over its quota. */
  | 'no-space'
  /** The operating system refused: permission, missing device, I/O error. */
  | 'system'
  /** A limit that protects us from hostile input was exceeded. */
  | 'limit'
  /** A bug in Shoal. */
  | 'internal';

export interface ShoalErrorOptions {
  /** What this error follows from. */
  readonly cause?: unknown;
  /** True when trying the same again, later or elsewhere, can help. Default: by code. */
  readonly retryable?: boolean;
  /** Earliest sensible time for the next attempt, in milliseconds from now (a server's Retry-After). */
  readonly retryAfterMs?: number;
}

const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set(['unreachable', 'unavailable', 'timeout']);

/** The message names what failed, on what, what was expected and what was found; never a secret. */
export class ShoalError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ShoalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ShoalError';
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE_CODES.has(code);
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isShoalError(error: unknown, code?: ErrorCode): error is ShoalError {
  return error instanceof ShoalError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown, for wrapping and for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's errno name (`ENOENT`) of a system error, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/**
 * Wraps an operating-system error: ENOENT becomes `not-found`, ENOSPC/EDQUOT `no-space`, EBUSY/EEXIST `busy`, an
 * AbortError `aborted`, everything else `system`. A ShoalError passes through unchanged.
 */
export function fromSystemError(error: unknown, doing: string): ShoalError {
  if (error instanceof ShoalError) return error;
  const errno = errnoOf(error);
  const code: ErrorCode =
    errno === 'ENOENT'
      ? 'not-found'
      : errno === 'ENOSPC' || errno === 'EDQUOT'
        ? 'no-space'
        : errno === 'EBUSY' || errno === 'EEXIST' || errno === 'ENOTEMPTY'
          ? 'busy'
          : errno === 'ABORT_ERR'
            ? 'aborted'
            : 'system';
  return new ShoalError(code, `${doing}: ${messageOf(error)}`, { cause: error });
}
