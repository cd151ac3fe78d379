// What a registry says about its quota when it has had enough of us: Docker Hub's headers (docs.docker.com, "Pull rate
// limit"), as a sentence that tells how to go on. Pure.

/** A used-up quota frees itself piece by piece; asking more often than this only makes the registry angry. */
const QUOTA_PAUSE_MS = 60_000;
const MAX_SOURCE_CHARS = 64;

export interface RateLimit {
  /** For a person; empty when the registry says nothing about quotas. */
  readonly text: string;
  /** Earliest sensible next attempt from now, when the answer tells one. Milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** `header` gives the 429 answer's headers; `retryAfterMs` is its Retry-After; `host` is the registry, for advice. */
export function rateLimit(
  header: (name: string) => string | undefined,
  retryAfterMs: number | undefined,
  host: string,
): RateLimit {
  const limit = parseQuota(header('ratelimit-limit'));
  const remaining = parseQuota(header('ratelimit-remaining'));
  const isHub = /(^|\.)docker\.(io|com)$/.test(host.replace(/:\d+$/, ''));
  const again = retryAfterMs === undefined ? '' : `; try again in ${duration(retryAfterMs)}`;
  if (limit === undefined && !isHub) return { text: again, retryAfterMs };
  const source = header('docker-ratelimit-source');
  const counted = source && /^[\x21-\x7e]+$/.test(source) ? ` (counted for ${source.slice(0, MAX_SOURCE_CHARS)})` : '';
  const left = remaining === undefined ? '' : `, ${remaining.count} left`;
  const allowed =
    limit === undefined ? '' : `; it allows ${limit.count} in ${duration(limit.windowMs)}${left}${counted}`;
  const reset = again || (limit ? `; a pull counts for ${duration(limit.windowMs)}, then it is free again` : '');
  const usedUp = remaining?.count === 0 && retryAfterMs === undefined;
  return {
    text: `${allowed}${reset}; log in (docker login, --creds) for a larger quota, or use a mirror`,
    retryAfterMs: usedUp ? QUOTA_PAUSE_MS : retryAfterMs,
  };
}

/** `100;w=21600`: so many in a window of so many seconds. */
function parseQuota(value: string | undefined): { readonly count: number; readonly windowMs: number } | undefined {
  const match = /^\s*(\d{1,9})\s*(?:;\s*w=(\d{1,9}))?/.exec(value ?? '');
  if (!match) return undefined;
  return { count: Number(match[1]), windowMs: Number(match[2] ?? SIX_HOURS_S) * 1000 };
}

/** Docker Hub's window, where the header leaves it out. */
const SIX_HOURS_S = 21_600;

const UNITS = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** In the largest unit that the time fills, rounded up. */
export function duration(ms: number): string {
  const [unitMs, name] = UNITS.find(([size]) => ms >= size) ?? [1_000, 's'];
  return `${Math.ceil(ms / unitMs)} ${name}`;
}
