import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestFromHex, isShoalError } from '../../../core/index.ts';
import type { IndexEntry } from '../../../registry/index.ts';
import { chooseEntry, formatPlatform, NYDUS_MEDIA_TYPES, parsePlatform, platformOf } from '../../../registry/index.ts';

let counter = 0;

function entry(platform: string | undefined, more: Partial<IndexEntry> = {}): IndexEntry {
  const digest = digestFromHex((++counter).toString(16).padStart(64, '0'));
  return {
    mediaType: 'm',
    digest,
    size: 1,
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    ...more,
  };
}

const choose = (entries: readonly IndexEntry[], platform: string, prefer: 'oci' | 'nydus' = 'oci') =>
  chooseEntry(entries, parsePlatform(platform), prefer, 'image');

test('reads platforms, also in the spelling of uname', () => {
  assert.deepEqual(parsePlatform('linux/amd64'), { os: 'linux', architecture: 'amd64' });
  assert.deepEqual(parsePlatform('linux/aarch64'), { os: 'linux', architecture: 'arm64' });
  assert.equal(formatPlatform(parsePlatform('linux/arm/v7')), 'linux/arm/v7');
  for (const text of ['', 'linux', 'linux/', '/amd64', 'linux/amd64/v1/x', 'Linux/amd64']) {
    assert.throws(
      () => parsePlatform(text),
      error => isShoalError(error, 'usage'),
      text,
    );
  }
});

test("names this machine's platform as images do", () => {
  assert.deepEqual(platformOf('linux', 'x64'), { os: 'linux', architecture: 'amd64' });
  assert.deepEqual(platformOf('linux', 's390x'), { os: 'linux', architecture: 's390x' });
  assert.deepEqual(platformOf('darwin', 'arm64'), { os: 'linux', architecture: 'arm64' });
});

test('takes the highest variant that the machine runs', () => {
  const [v6, v7, v8] = [entry('linux/arm/v6'), entry('linux/arm/v7'), entry('linux/arm/v8')];
  assert.equal(choose([v6, v8, v7], 'linux/arm'), v7);
  assert.equal(choose([v6, v8, v7], 'linux/arm/v6'), v6);
  assert.equal(choose([v6, v8, v7], 'linux/arm/v8'), v8);
  const [plain, v3] = [entry('linux/amd64'), entry('linux/amd64/v3')];
  assert.equal(choose([v3, plain], 'linux/amd64'), plain);
  assert.equal(choose([plain, v3], 'linux/amd64/v4'), v3);
  const arm64 = entry('linux/arm64/v8');
  assert.equal(choose([arm64], 'linux/arm64'), arm64);
});

test('chooses between the ordinary and the accelerated manifest of one platform', () => {
  const ordinary = entry('linux/amd64');
  const byType = entry('linux/amd64', { artifactType: NYDUS_MEDIA_TYPES.manifestArtifact });
  const byFeature = entry('linux/amd64', {
    platform: { os: 'linux', architecture: 'amd64', 'os.features': ['nydus.remoteimage.v1'] },
  });
  for (const nydus of [byType, byFeature]) {
    for (const entries of [
      [ordinary, nydus],
      [nydus, ordinary],
    ]) {
      assert.equal(choose(entries, 'linux/amd64', 'oci'), ordinary);
      assert.equal(choose(entries, 'linux/amd64', 'nydus'), nydus);
    }
    assert.equal(choose([nydus], 'linux/amd64', 'oci'), nydus);
  }
  assert.equal(choose([ordinary], 'linux/amd64', 'nydus'), ordinary);
});

test('takes no artifact for an image, wherever it stands and whatever platform it names', () => {
  const artifactType = 'application/vnd.amazon.soci.index.v2+json';
  const soci = entry('linux/amd64', { artifactType });
  const image = entry('linux/amd64', { artifactType: 'application/vnd.oci.image.config.v1+json' });
  assert.equal(choose([soci, image], 'linux/amd64'), image);
  assert.equal(choose([soci, image], 'linux/amd64', 'nydus'), image);
  const unnamed = entry(undefined);
  assert.equal(choose([entry(undefined, { artifactType }), unnamed], 'linux/amd64'), unnamed);
  assert.throws(() => choose([soci], 'linux/amd64'), { code: 'not-found', message: /there is: artifact "application/ });
});

test('takes an entry without a platform only when it is the only one', () => {
  const [unnamed, other] = [entry(undefined), entry('linux/s390x')];
  assert.equal(choose([unnamed], 'linux/amd64'), unnamed);
  assert.equal(choose([other, unnamed], 'linux/amd64'), unnamed);
  assert.throws(
    () => choose([unnamed, entry(undefined)], 'linux/amd64'),
    error => isShoalError(error, 'not-found'),
  );
});

test('lists what there is when nothing fits, attestations and all', () => {
  const entries = [entry('linux/arm64/v8'), entry('unknown/unknown'), entry('windows/amd64')];
  assert.throws(
    () => choose(entries, 'linux/amd64'),
    error =>
      isShoalError(error, 'not-found') &&
      error.message === 'image: no image for linux/amd64; there is: linux/arm64/v8, unknown/unknown, windows/amd64',
  );
  assert.throws(() => choose([], 'linux/amd64'), /there is: nothing/);
});
