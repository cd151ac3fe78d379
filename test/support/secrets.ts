// Looks for what must not be there: a secret in all the forms in which bytes are written down (as they are, in hex, and in
// base64 also where it begins in the middle of something longer).

export interface Secret {
  readonly name: string;
  readonly forms: readonly Buffer[];
}

export function secretBytes(name: string, bytes: Uint8Array): Secret {
  return { name, forms: formsOf(Buffer.from(bytes)) };
}

export function secretText(name: string, text: string): Secret {
  return { name, forms: formsOf(Buffer.from(text)) };
}

/** A digest as `sha256:HEX`, as HEX, as bytes; the longer form contains the shorter ones. */
export function secretDigest(name: string, digest: string): Secret {
  const hex = digest.replace(/^sha256:/, '');
  return { name, forms: [...formsOf(Buffer.from(hex, 'hex')), ...formsOf(Buffer.from(hex))] };
}

/** Names of those that are in there. */
export function found(haystack: Uint8Array | string, secrets: readonly Secret[]): string[] {
  const bytes =
    typeof haystack === 'string'
      ? Buffer.from(haystack)
      : Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength);
  return secrets.filter(({ forms }) => forms.some(form => bytes.includes(form))).map(({ name }) => name);
}

function formsOf(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex');
  const texts = [hex, hex.toUpperCase(), ...[0, 1, 2].flatMap(shift => base64Within(bytes, shift))];
  return [bytes, ...texts.map(text => Buffer.from(text))];
}

/** Characters of base64 that only these bytes decide, when `shift` other bytes of a group of three come before them. */
function base64Within(bytes: Buffer, shift: number): string[] {
  const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
  const [from, to] = [Math.ceil((shift * 8) / 6), Math.floor((shifted.length * 8) / 6)];
  const text = shifted.toString('base64').slice(from, to);
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
