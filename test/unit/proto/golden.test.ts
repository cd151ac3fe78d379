// Messages of protocol version 1 in bytes, as nodes of this version say them to each other. What is in test/golden/ is
// never changed, only added to: a later version must read these bytes and mean the same.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as proto from '../../../proto/index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const GENERATED = ['shoal.js', 'shoal.d.ts'];

/** Bytes stand as `{ "hex": "…" }`. */
type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

interface Golden {
  readonly type: keyof typeof TYPES;
  /** Hex. */
  readonly bytes: string;
  readonly message: { readonly [name: string]: Json };
}

interface MessageType {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

const TYPES = {
  Certificate: proto.Certificate,
  SignedCertificate: proto.SignedCertificate,
  Revocations: proto.Revocations,
  SignedRevocations: proto.SignedRevocations,
  Introduction: proto.Introduction,
  Verdict: proto.Verdict,
  ChildMessage: proto.ChildMessage,
  ParentMessage: proto.ParentMessage,
  NodeMessage: proto.NodeMessage,
  SchedulerMessage: proto.SchedulerMessage,
} satisfies Record<string, MessageType>;

const golden = JSON.parse(readFileSync(join(ROOT, 'test/golden/messages.json'), 'utf8')) as readonly Golden[];

function revived(value: Json): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object') return value;
  if ('hex' in value) return new Uint8Array(Buffer.from(String(value['hex']), 'hex'));
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revived(part)]));
}

/** A decoded message as the golden file writes one; what has its default value is not on the wire. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, part]) => name !== 'kind' && !(Array.isArray(part) && part.length === 0))
      .map(([name, part]) => [name, plain(part)]),
  );
}

/** Without what the decoder leaves out: false, 0 and '' where they are the default. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== false && part !== 0 && part !== '')
      .map(([name, part]) => [name, withoutDefaults(part)]),
  );
}

for (const { type, bytes, message } of golden) {
  const kind = Object.keys(message).join(', ') || 'empty';
  test(`${type} (${kind}), ${bytes.length / 2} bytes, is read and written as ever`, () => {
    const codec: MessageType = TYPES[type];
    const decoded = codec.decode(Buffer.from(bytes, 'hex'));
    assert.deepEqual(withoutDefaults(plain(decoded)), withoutDefaults(message));
    assert.equal(Buffer.from(codec.encode(revived(message) as object).finish()).toString('hex'), bytes);
  });
}

test('every kind of message has an example', () => {
  const text = readFileSync(join(ROOT, 'proto/shoal.proto'), 'utf8');
  const missing: string[] = [];
  for (const [, type = '', body = ''] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    if (!(type in TYPES)) continue;
    const examples = golden.filter(each => each.type === type);
    if (examples.length === 0) missing.push(type);
    const oneof = /oneof kind \{([\s\S]*?)\}/.exec(body)?.[1] ?? '';
    for (const [, field = ''] of oneof.matchAll(/^\s+\w+ (\w+) = \d+;/gm)) {
      const name = field.replaceAll(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
      if (!examples.some(({ message }) => name in message)) missing.push(`${type}.${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('a field of a later version is passed over', () => {
  const later = Buffer.concat([
    proto.Verdict.encode({ reason: 'no' }).finish(),
    Buffer.from('fa3f0568656c6c6f', 'hex'),
  ]);
  assert.equal(proto.Verdict.decode(later).reason, 'no');
});

const generator = join(ROOT, 'node_modules/protobufjs-cli/bin/pbjs');
const noGenerator = !existsSync(generator) && 'protobufjs-cli is not installed';

test('the generated code is what the script makes of shoal.proto', { skip: noGenerator }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-proto-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await promisify(execFile)('sh', [join(ROOT, 'scripts/generate-proto.sh'), folder]);
  for (const name of GENERATED) {
    const made = await readFile(join(folder, name), 'utf8');
    assert.ok(
      made === (await readFile(join(ROOT, 'proto/generated', name), 'utf8')),
      `${name}: run scripts/generate-proto.sh`,
    );
  }
});
