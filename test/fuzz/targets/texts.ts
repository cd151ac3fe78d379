// Lines of text: references and platforms that people type, challenges that registries send.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseChallenges } from '../../../registry/challenge.ts';
import { formatPlatform, formatReference, parsePlatform, parseReference } from '../../../registry/index.ts';
import { type FuzzTarget, textInput, textOf } from '../fuzzing.ts';

/** Pieces of what references are made of, in any order: random letters alone never look like one. */
const referenceText = fc.oneof(
  fc
    .array(
      fc.oneof(
        fc.constantFrom('docker://', 'oci:', 'oci-archive:', '/', ':', '@', '.', '-', '__', '..', '[::1]', ':5000'),
        fc.constantFrom('localhost', 'docker.io', 'index.docker.io', 'registry.test', 'library', 'app', 'latest', 'A'),
        fc.constantFrom(
          `sha256:${'a'.repeat(64)}`,
          'sha256:',
          'sha512:abc',
          '\0',
          ' ',
          '\n',
          '%2e',
          'ü',
          'x'.repeat(300),
        ),
        fc.string({ maxLength: 5 }),
      ),
      { maxLength: 12 },
    )
    .map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

export const referenceTarget: FuzzTarget = {
  name: 'reference',
  runs: 4000,
  input: textInput(referenceText),
  allows: ['usage'],
  run(input) {
    const parsed = parseReference(textOf(input));
    assert.deepEqual(parseReference(formatReference(parsed)), parsed);
    if (parsed.kind === 'registry') assert.ok(URL.canParse(`https://${parsed.host}/v2/${parsed.repository}/`));
  },
};

export const platformTarget: FuzzTarget = {
  name: 'platform',
  runs: 1000,
  input: textInput(
    fc.oneof(
      fc.string({ maxLength: 30 }),
      fc
        .tuple(
          fc.constantFrom('linux', 'Linux', ''),
          fc.constantFrom('arm64', 'x86_64', 'a b'),
          fc.string({ maxLength: 3 }),
        )
        .map(([os, architecture, variant]) => `${os}/${architecture}${variant === '' ? '' : '/'}${variant}`),
    ),
  ),
  allows: ['usage'],
  run(input) {
    const parsed = parsePlatform(textOf(input));
    assert.deepEqual(parsePlatform(formatPlatform(parsed)), parsed);
  },
};

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
/** What a quoted string may hold: anything printable, with `"` and `\` escaped. */
const quotable = fc.string({ maxLength: 20 });
const challenge = fc.record({ scheme: token, parameters: fc.dictionary(token, quotable, { maxKeys: 4 }) });

const challengeText = fc.oneof(
  fc
    .array(challenge, { maxLength: 3 })
    .map(list => list.map(({ scheme, parameters }) => `${scheme} ${parametersText(parameters)}`).join(', ')),
  fc
    .array(fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'x', '\t'), { maxLength: 60 })
    .map(parts => parts.join('')),
  fc
    .tuple(fc.constantFrom('"', '\\', ' ', ',', 'a=', 'a="', '\\"'), fc.nat(20_000))
    .map(([part, n]) => `Basic a="${part.repeat(n)}`),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

export function parametersText(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
    .join(', ');
}

export const challengeTarget: FuzzTarget = {
  name: 'challenge',
  runs: 2500,
  input: textInput(challengeText),
  allows: [],
  run(input) {
    for (const { scheme, parameters } of parseChallenges(textOf(input))) {
      assert.equal(scheme, scheme.toLowerCase());
      for (const name of parameters.keys()) assert.equal(name, name.toLowerCase());
    }
  },
};
