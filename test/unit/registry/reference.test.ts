import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShoalError, parseDigest } from '../../../core/index.ts';
import { absoluteReference, formatReference, parseReference } from '../../../registry/index.ts';

const HEX = 'a'.repeat(64);
const digest = parseDigest(`sha256:${HEX}`);

const REGISTRY_CASES = [
  ['alpine', { host: 'docker.io', repository: 'library/alpine', tag: 'latest' }],
  ['alpine:3.20', { host: 'docker.io', repository: 'library/alpine', tag: '3.20' }],
  ['bitnami/redis', { host: 'docker.io', repository: 'bitnami/redis', tag: 'latest' }],
  ['docker://alpine', { host: 'docker.io', repository: 'library/alpine', tag: 'latest' }],
  ['index.docker.io/library/alpine:1', { host: 'docker.io', repository: 'library/alpine', tag: '1' }],
  ['docker.io/alpine', { host: 'docker.io', repository: 'library/alpine', tag: 'latest' }],
  ['localhost/app', { host: 'localhost', repository: 'app', tag: 'latest' }],
  ['docker://localhost:5000/team/app:v1', { host: 'localhost:5000', repository: 'team/app', tag: 'v1' }],
  ['ghcr.io/a/b-c/d__e.f:X_1', { host: 'ghcr.io', repository: 'a/b-c/d__e.f', tag: 'X_1' }],
  ['[::1]:5000/app:1', { host: '[::1]:5000', repository: 'app', tag: '1' }],
  [`r.example/app@sha256:${HEX}`, { host: 'r.example', repository: 'app', digest }],
  [`r.example/app:1@sha256:${HEX}`, { host: 'r.example', repository: 'app', tag: '1', digest }],
] as const;

test('reads registry references with the defaults that Docker gives them', () => {
  for (const [text, expected] of REGISTRY_CASES) {
    assert.deepEqual(parseReference(text), { kind: 'registry', ...expected }, text);
  }
});

const LAYOUT_CASES = [
  ['oci:dir', { directory: 'dir' }],
  ['oci:/var/lib/images:app', { directory: '/var/lib/images', tag: 'app' }],
  ['oci:/a:b/c', { directory: '/a:b/c' }],
  ['oci:/a:b/c:tag', { directory: '/a:b/c', tag: 'tag' }],
  ['oci:../x@y:1.2', { directory: '../x@y', tag: '1.2' }],
  [`oci:d:t@sha256:${HEX}`, { directory: 'd', tag: 't', digest }],
] as const;

test('takes the last colon of an oci reference for a tag only if a tag follows', () => {
  for (const [text, expected] of LAYOUT_CASES) {
    assert.deepEqual(parseReference(text), { kind: 'layout', ...expected }, text);
  }
});

const ARCHIVE_CASES = [
  ['oci-archive:a.tar', { format: 'oci', file: 'a.tar' }],
  ['oci-archive:/a:b/c.tar:tag', { format: 'oci', file: '/a:b/c.tar', tag: 'tag' }],
  [`oci-archive:a.tar@sha256:${HEX}`, { format: 'oci', file: 'a.tar', digest }],
  ['docker-archive:/x/a.tar', { format: 'docker', file: '/x/a.tar' }],
  ['docker-archive:a.tar:app', { format: 'docker', file: 'a.tar', tag: 'docker.io/library/app:latest' }],
  ['docker-archive:a.tar:r.example:5000/app:1', { format: 'docker', file: 'a.tar', tag: 'r.example:5000/app:1' }],
] as const;

test("takes what follows the first colon of a docker-archive for the image's whole name", () => {
  for (const [text, expected] of ARCHIVE_CASES) {
    assert.deepEqual(parseReference(text), { kind: 'archive', ...expected }, text);
  }
});

test('prints a reference so that it reads back the same', () => {
  for (const [text] of [...REGISTRY_CASES, ...LAYOUT_CASES, ...ARCHIVE_CASES]) {
    const reference = parseReference(text);
    assert.deepEqual(parseReference(formatReference(reference)), reference, text);
  }
});

test('refuses what is no reference and says which part is wrong', () => {
  const cases = [
    ['', /""/],
    ['Alpine', /"Alpine" is no repository name/],
    ['r.example/App', /"App"/],
    ['r.example/a//b', /"a\/\/b"/],
    ['r.example/../etc', /"\.\.\/etc"/],
    ['r.example/app:', /"" is no tag/],
    ['r.example/app:a:b', /"a:b" is no tag/],
    [`r.example/app:${'t'.repeat(129)}`, /is no tag/],
    [`r.example/${'a'.repeat(256)}`, /repository name/],
    ['r.example/app@sha256:abc', /"sha256:abc" is no digest/],
    ['user@r.example/app', /no digest/],
    ['-bad.example/app', /no host name/],
    ['r.example:port/app', /no host name/],
    ['r.example:99999/app', /no host name/],
    ['[:::1]/app', /no host name/],
    ['https://r.example/app', /unknown scheme https:\/\//],
    ['oci:', /needs a directory/],
    ['oci::tag', /needs a directory/],
    ['oci-archive:', /needs a file/],
    ['docker-archive::app', /needs a file/],
    ['docker-archive:a.tar:App', /"App" is no repository name/],
    [`docker-archive:a.tar:app@sha256:${HEX}`, /have no digest/],
  ] as const;
  for (const [text, message] of cases) {
    assert.throws(
      () => parseReference(text),
      error => isShoalError(error, 'usage') && message.test(error.message),
      `${text} should be refused with ${message}`,
    );
  }
});

test('makes an oci reference independent of the working directory', () => {
  assert.deepEqual(absoluteReference('oci:x:1'), { kind: 'layout', directory: `${process.cwd()}/x`, tag: '1' });
  assert.deepEqual(absoluteReference('alpine'), parseReference('alpine'));
});

test('a reference with a password is refused without quoting it', () => {
  for (const text of [
    'docker://ada:s3cret@r.example/app:1',
    'ada:s3cret@r.example/app',
    'ada:s3/cr@et@r.example:5000/app:1',
    `ada:s3cret@r.example/app@sha256:${'0'.repeat(64)}`,
  ]) {
    assert.throws(
      () => parseReference(text),
      error => isShoalError(error, 'usage') && /--creds/.test(error.message) && !/s3|cret|ada/.test(error.message),
    );
  }
});
