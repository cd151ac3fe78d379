import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { dockerConfigCredentials, findCredential } from '../../../registry/index.ts';
import { temporaryDirectory } from '../../support/registry-targets.ts';

const encoded = (text: string) => Buffer.from(text).toString('base64');

const CONFIG = JSON.stringify({
  auths: {
    'https://index.docker.io/v1/': { auth: encoded('hub:pass:with:colons') },
    'R.example:5000': { auth: encoded('user:padded\0\0') },
    'plain.example': { username: 'u', password: 'p' },
    'helper.example': {},
    'https://path.example/v2/': { auth: encoded('a:b') },
  },
  credsStore: 'desktop',
});

test('finds the credential of a host under the keys that Docker writes', () => {
  const find = (host: string) => findCredential(CONFIG, host, 'config');
  assert.deepEqual(find('docker.io'), { kind: 'password', username: 'hub', password: 'pass:with:colons' });
  assert.deepEqual(find('r.example:5000'), { kind: 'password', username: 'user', password: 'padded' });
  assert.deepEqual(find('plain.example'), { kind: 'password', username: 'u', password: 'p' });
  assert.deepEqual(find('path.example'), { kind: 'password', username: 'a', password: 'b' });
  for (const host of ['r.example', 'helper.example', 'other.example', '__proto__']) assert.equal(find(host), undefined);
  assert.equal(findCredential('{}', 'r.example', 'config'), undefined);
});

test('never quotes the file in its errors', () => {
  const cases = [
    '{"auths": {"h": {"auth": "SECRET',
    '{"auths": ["SECRET"]}',
    `{"auths":{"h":{"auth":"${encoded('SECRET')}"}}}`,
  ];
  for (const text of cases) {
    assert.throws(
      () => findCredential(text, 'h', '/home/u/.docker/config.json'),
      error => {
        assert.ok(isShoalError(error, 'malformed'));
        assert.ok(error.message.startsWith('/home/u/.docker/config.json'));
        assert.doesNotMatch(`${error.message} ${error.cause}`, /SECRET/);
        return true;
      },
    );
  }
});

test('takes a missing file for no credentials, and sees a login that comes later', async t => {
  const path = join(await temporaryDirectory(t), 'config.json');
  const lookup = dockerConfigCredentials(path, {});
  assert.equal(await lookup('plain.example'), undefined);
  await writeFile(path, CONFIG);
  assert.deepEqual(await lookup('plain.example'), { kind: 'password', username: 'u', password: 'p' });
});
