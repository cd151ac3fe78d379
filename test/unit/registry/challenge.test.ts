import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '../../../registry/challenge.ts';

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test('reads challenges as registries write them', () => {
  assert.deepEqual(
    plain('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'),
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      ],
    ],
  );
  assert.deepEqual(plain('Basic realm="a \\"quoted\\" name"'), [['basic', { realm: 'a "quoted" name' }]]);
  assert.deepEqual(plain('BEARER  Realm = tok , error=invalid_token'), [
    ['bearer', { realm: 'tok', error: 'invalid_token' }],
  ]);
});

test('reads several challenges from one header or from joined ones', () => {
  assert.deepEqual(plain('Negotiate, Basic realm="r", Bearer realm="t",service="s"'), [
    ['negotiate', {}],
    ['basic', { realm: 'r' }],
    ['bearer', { realm: 't', service: 's' }],
  ]);
});

test('gives what stands before something unreadable', () => {
  assert.deepEqual(plain(''), []);
  assert.deepEqual(plain('"'), []);
  assert.deepEqual(plain('Basic realm="open'), [['basic', {}]]);
  assert.deepEqual(plain('Basic realm=x, \u0000, Bearer realm=y'), [['basic', { realm: 'x' }]]);
});

test('takes no longer for a long hostile header than for a short one', () => {
  for (const hostile of [',', 'a ', 'a="', 'a=b,', '\\"', '"\\'].map(part => part.repeat(1_000_000))) {
    const start = performance.now();
    parseChallenges(`Bearer ${hostile}`);
    assert.ok(performance.now() - start < 1000, 'the parser took more than a second');
  }
});
