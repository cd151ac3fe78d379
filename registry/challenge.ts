// WWW-Authenticate (RFC 9110 §11.6.1): what a server wants to see before it answers. Pure.

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
const QUOTED = /^"((?:[^"\\]|\\.)*)"/;
/** Longer than any honest header; the parser is linear, but there is no reason to read on. */
const MAX_HEADER_CHARS = 8192;

/**
 * All challenges of a header; several headers may have been joined by commas. What cannot be parsed ends the list:
 * the challenges before it are returned.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.slice(0, MAX_HEADER_CHARS);
  let parameters: Map<string, string> | undefined;
  for (;;) {
    rest = rest.replace(/^[\s,]+/, '');
    const name = TOKEN.exec(rest)?.[0];
    if (name === undefined) return challenges;
    rest = rest.slice(name.length);
    if (!/^\s*=/.test(rest)) {
      parameters = new Map();
      challenges.push({ scheme: name.toLowerCase(), parameters });
      continue;
    }
    const value = parameterValue(rest);
    if (value === undefined || parameters === undefined) return challenges;
    parameters.set(name.toLowerCase(), value.text);
    rest = value.rest;
  }
}

/** `= token` or `= "quoted"` at the start of the text: then the name before it was a parameter's, not a scheme's. */
function parameterValue(text: string): { text: string; rest: string } | undefined {
  const equals = /^\s*=\s*/.exec(text);
  if (!equals) return undefined;
  const at = text.slice(equals[0].length);
  const quoted = QUOTED.exec(at);
  if (quoted) return { text: (quoted[1] ?? '').replace(/\\(.)/g, '$1'), rest: at.slice(quoted[0].length) };
  const token = TOKEN.exec(at)?.[0];
  return token === undefined ? undefined : { text: token, rest: at.slice(token.length) };
}
