import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { credentialOf, dockerConfigCredentials, findCredential } from '../../../registry/index.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { temporaryDirectory } from '../../support/registry-targets.ts';
import { until } from '../../support/until.ts';

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

/** A directory with helpers (shell scripts) and a config.json; the lookup runs helpers from that directory. */
async function withHelpers(t: Ending, helpers: Readonly<Record<string, string>>, config: unknown) {
  const directory = await temporaryDirectory(t);
  for (const [name, script] of Object.entries(helpers)) {
    await writeFile(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const path = join(directory, 'config.json');
  await writeFile(path, JSON.stringify(config));
  return { directory, lookup: dockerConfigCredentials(path, { PATH: `${directory}:/usr/bin:/bin` }) };
}

/** Writes down each question, and answers it with itself as the secret. */
const ECHO =
  'read -r host; echo "$1 $host" >> "$(dirname "$0")/asked"; echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"for $host\\"}"';

test("asks the host's own helper, else the one for all, with the address that docker stores it under", async t => {
  const { directory, lookup } = await withHelpers(
    t,
    { own: ECHO, all: ECHO.replace('for $host', 'from all for $host') },
    { credHelpers: { 'r.example:5000': 'own', 'https://index.docker.io/v1/': 'own' }, credsStore: 'all' },
  );
  const secret = async (host: string) => {
    const credential = await lookup(host);
    assert.ok(credential?.kind === 'password');
    return credential.password;
  };
  assert.equal(await secret('r.example:5000'), 'for r.example:5000');
  assert.equal(await secret('docker.io'), 'for https://index.docker.io/v1/');
  assert.equal(await secret('other.example'), 'from all for other.example');
  const asked = await readFile(join(directory, 'asked'), 'utf8');
  assert.deepEqual(asked.trim().split('\n'), [
    'get r.example:5000',
    'get https://index.docker.io/v1/',
    'get other.example',
  ]);
});

test('takes a helper that has nothing for anonymous, and a user named <token> for an identity token', async t => {
  const { lookup } = await withHelpers(
    t,
    {
      empty: 'echo "credentials not found in native keychain"; exit 1',
      token: `echo '{"Username":"<token>","Secret":"long-lived"}'`,
    },
    {
      auths: { 'file.example': { auth: encoded('a:b') }, 'id.example': { auth: encoded('x:'), identitytoken: 'kept' } },
      credHelpers: { 'token.example': 'token', 'id.example': '' },
      credsStore: 'empty',
    },
  );
  assert.equal(await lookup('r.example'), undefined);
  assert.deepEqual(await lookup('file.example'), credentialOf('a', 'b'), 'what the file itself holds counts, too');
  assert.deepEqual(await lookup('token.example'), { kind: 'identity-token', token: 'long-lived' });
  assert.deepEqual(await lookup('id.example'), { kind: 'identity-token', token: 'kept' });
});

test('says which helper failed and how, and never what it gave', async t => {
  const { lookup } = await withHelpers(
    t,
    {
      broken: 'echo "the key ring is locked"; exit 3',
      chatty: 'head -c 100000 /dev/zero | tr "\\0" x',
      odd: 'echo SECRET',
      partial: `echo '{"Username":"SECRET"}'`,
    },
    {
      credHelpers: {
        'a.example': 'broken',
        'b.example': 'chatty',
        'c.example': 'odd',
        'd.example': 'partial',
        'e.example': 'missing',
        'f.example': '../../bin/evil',
      },
    },
  );
  const cases = [
    ['a.example', 'unauthorized', /docker-credential-broken for a\.example: failed: the key ring is locked/],
    ['b.example', 'limit', /docker-credential-chatty .* answers more than 65536 bytes/],
    ['c.example', 'malformed', /docker-credential-odd: its answer for c\.example is no credential/],
    ['d.example', 'malformed', /docker-credential-partial/],
    ['e.example', 'not-found', /docker-credential-missing .* not on the PATH/],
    ['f.example', 'usage', /not the name of a helper/],
  ] as const;
  for (const [host, code, message] of cases) {
    await assert.rejects(lookup(host), error => {
      assert.ok(isShoalError(error, code), String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(`${error.message} ${error.cause}`, /SECRET/);
      return true;
    });
  }
});

test('one helper runs however many ask, and an abort ends it', async t => {
  const { directory, lookup } = await withHelpers(
    t,
    { slow: `${ECHO}`, hangs: 'echo $$ > "$(dirname "$0")/pid"; exec sleep 1000' },
    { credHelpers: { 'r.example': 'slow', 'h.example': 'hangs' } },
  );
  await Promise.all(Array.from({ length: 20 }, () => lookup('r.example')));
  assert.equal((await readFile(join(directory, 'asked'), 'utf8')).trim().split('\n').length, 1);
  const controller = new AbortController();
  const hanging = lookup('h.example', { signal: controller.signal });
  const pidFile = join(directory, 'pid');
  await until(async () => (await readFile(pidFile, 'utf8').catch(() => '')) !== '', 'the helper to start');
  const pid = Number(await readFile(pidFile, 'utf8'));
  controller.abort();
  await assert.rejects(hanging, error => isShoalError(error, 'aborted'));
  await until(() => !isAlive(pid), 'the helper to end');
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
