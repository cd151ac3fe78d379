import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { openSource, RegistryAccess } from '../../../registry/index.ts';
import { duration } from '../../../registry/rate-limit.ts';
import { HastyClock } from '../../support/manual-clock.ts';
import { ScriptedDispatcher } from '../../support/scripted-dispatcher.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const BODY = JSON.stringify({
  errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }],
});

/** What asking for the manifest ends with, and how long it waited in between. */
async function refusal(reference: string, host: string, headers: Record<string, string>) {
  const repository = host === 'registry-1.docker.io' ? 'library/app' : 'app';
  const answer = { status: 429, headers, body: BODY };
  const dispatcher = new ScriptedDispatcher({ [`GET https://${host}/v2/${repository}/manifests/latest`]: answer });
  const clock = new HastyClock();
  const source = openSource(reference, { access: new RegistryAccess({ dispatcher, clock }) });
  const error = await source.manifest(AMD64, { signal }).then(
    () => assert.fail('was let in'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isShoalError(error, 'unavailable'));
  return { message: error.message, retryAfterMs: error.retryAfterMs, sleeps: clock.sleeps };
}

test("tells Docker Hub's quota, when it is free again, and what to do; and does not knock again at once", async () => {
  const headers = {
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': '0;w=21600',
    'docker-ratelimit-source': '192.0.2.7',
  };
  const { message, retryAfterMs, sleeps } = await refusal('app', 'registry-1.docker.io', headers);
  assert.equal(
    message,
    'docker.io/library/app:latest: manifest: too many requests; it allows 100 in 6 h, 0 left (counted for 192.0.2.7); ' +
      'a pull counts for 6 h, then it is free again; log in (docker login, --creds) for a larger quota, or use a mirror; ' +
      'registry-1.docker.io answered 429: TOOMANYREQUESTS You have reached your pull rate limit.',
  );
  assert.deepEqual([retryAfterMs, sleeps], [60_000, []]);
});

test('a Retry-After says when better than any window', async () => {
  const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600', 'retry-after': '1800' };
  const { message, retryAfterMs } = await refusal('app', 'registry-1.docker.io', headers);
  assert.match(message, /0 left; try again in 30 min; log in/);
  assert.equal(retryAfterMs, 1_800_000);
});

test('gives the advice for Docker Hub also without headers, and none to other registries', async () => {
  const hub = await refusal('app', 'registry-1.docker.io', {});
  assert.match(hub.message, /too many requests; log in \(docker login, --creds\) for a larger quota, or use a mirror/);
  const other = await refusal('r.example/app', 'r.example', { 'retry-after': 'Tue, 01 Jan 2030 01:00:00 GMT' });
  assert.match(other.message, /too many requests; try again in 1 h; r\.example answered 429/);
  const plain = await refusal('r.example/app', 'r.example', {});
  assert.match(plain.message, /too many requests; r\.example answered 429/);
  assert.equal(plain.sleeps.length, 4, 'without a word of when, it is tried a few times');
});

test('nonsense in the headers does no harm', async () => {
  const headers = { 'ratelimit-limit': 'NaN', 'ratelimit-remaining': '-1', 'docker-ratelimit-source': 'a b\u0007' };
  const { message } = await refusal('app', 'registry-1.docker.io', headers);
  assert.match(message, /too many requests; log in/);
});

test('durations are told in the largest unit that they fill', () => {
  assert.deepEqual([500, 1000, 59_000, 60_000, 90_000, 3_600_000, 86_400_000].map(duration), [
    '1 s',
    '1 s',
    '59 s',
    '1 min',
    '2 min',
    '1 h',
    '24 h',
  ]);
});
