// The key on disk that makes a node who it is.

import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openIdentity } from '../../../peer/index.ts';
import { createClusterKey } from '../../../proto/index.ts';

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-identity-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'peer');
}

test('it is made once, for its owner alone, and is the same ever after', async t => {
  const directory = await scratch(t);
  const { peerId } = await openIdentity(directory);
  assert.match(peerId, /^12D3KooW\w{44}$/);
  assert.equal((await openIdentity(directory)).peerId, peerId);
  assert.equal((await stat(join(directory, 'identity.pem'))).mode & 0o777, 0o600);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(directory), ['identity.pem']);
});

test('many that open it at once get the same', async t => {
  const directory = await scratch(t);
  const opened = await Promise.all(Array.from({ length: 20 }, () => openIdentity(directory)));
  assert.equal(new Set(opened.map(({ peerId }) => peerId)).size, 1);
  assert.deepEqual(await readdir(directory), ['identity.pem']);
});

test('one that others may read is refused by its name', async t => {
  const directory = await scratch(t);
  await openIdentity(directory);
  await chmod(join(directory, 'identity.pem'), 0o640);
  await assert.rejects(openIdentity(directory), { code: 'system', message: /identity\.pem: mode 0640, expected 0600/ });
});

test('one of another user is refused', { skip: process.geteuid?.() !== 0 && 'needs root' }, async t => {
  const directory = await scratch(t);
  await openIdentity(directory);
  await chown(join(directory, 'identity.pem'), 12_345, 0);
  await assert.rejects(openIdentity(directory), { code: 'system', message: /belongs to user 12345, expected 0/ });
});

test('a corrupt one is refused by its name, not quoted, and stays as it is', async t => {
  const directory = await scratch(t);
  await openIdentity(directory);
  const path = join(directory, 'identity.pem');
  for (const text of [
    '',
    '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n',
    createClusterKey().publicPem,
  ]) {
    await writeFile(path, text);
    await assert.rejects(
      openIdentity(directory),
      ({ code, message }: Error & { code: string }) =>
        code === 'malformed' && message.startsWith(path) && !message.includes('secret'),
    );
    assert.equal((await stat(path)).size, text.length);
  }
});
