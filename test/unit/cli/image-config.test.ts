import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processOf, userOf } from '../../../cli/run/image-config.ts';
import { isShoalError } from '../../../core/index.ts';

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:web:/var/www:/bin/false\n',
  '/etc/group': 'root:x:0:\nweb:x:44:\nlog:x:55:other,web\n',
};
const read = async (path: string) => FILES[path];

test('the command line replaces Cmd and stays behind Entrypoint', () => {
  const config = { Entrypoint: ['/entry'], Cmd: ['default'] };
  assert.deepEqual(processOf(config, [], []).args, ['/entry', 'default']);
  assert.deepEqual(processOf(config, ['a', 'b'], []).args, ['/entry', 'a', 'b']);
});

test('a variable from the command line replaces the one of the image, and PATH has a default', () => {
  const { env } = processOf({ Cmd: ['x'], Env: ['A=1', 'B=2=3'] }, [], ['A=9']);
  assert.ok(env.includes('A=9') && env.includes('B=2=3') && !env.includes('A=1'));
  assert.ok(env.some(entry => entry.startsWith('PATH=')));
});

test('an image without a command and a relative working directory are refused', () => {
  assert.throws(
    () => processOf({}, [], []),
    error => isShoalError(error, 'usage'),
  );
  assert.throws(
    () => processOf({ Cmd: ['x'], WorkingDir: 'a/b' }, [], []),
    error => isShoalError(error, 'malformed'),
  );
});

test('a user is found by name or number, with the groups of the account', async () => {
  const web = { uid: 33, gid: 44, additionalGids: [55], home: '/var/www' };
  assert.deepEqual(await userOf('web', read), web);
  assert.deepEqual(await userOf('33', read), web);
  assert.deepEqual(await userOf('', read), { uid: 0, gid: 0, additionalGids: [], home: '/root' });
});

test('a number that is in no account file is taken as it is', async () => {
  assert.deepEqual(await userOf('1234:5678', read), { uid: 1234, gid: 5678, additionalGids: [], home: '/' });
  assert.deepEqual(await userOf('1234', async () => undefined), { uid: 1234, gid: 0, additionalGids: [], home: '/' });
});

test('an explicit group replaces the groups of the account', async () => {
  assert.deepEqual(await userOf('web:log', read), { uid: 33, gid: 55, additionalGids: [], home: '/var/www' });
});

test('a name that the image does not know is refused by name', async () => {
  await assert.rejects(
    userOf('nobody', read),
    error => isShoalError(error, 'not-found') && /nobody/.test(error.message),
  );
  await assert.rejects(
    userOf('web:none', read),
    error => isShoalError(error, 'not-found') && /none/.test(error.message),
  );
});
