// JSON of registries and layouts: manifests, indexes, configs; docker's credential file; what travels over the control
// socket, in both directions.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isShoalError } from '../../../core/index.ts';
import { mountInfo, mountList, mountRequest, unmountRequest } from '../../../daemon/control-protocol.ts';
import {
  chooseEntry,
  describeDocument,
  findCredential,
  parseConfig,
  parseIndex,
  parseManifest,
} from '../../../registry/index.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { type FuzzTarget, mutated, mutatedJson, textOf } from '../fuzzing.ts';

const sample = sampleImage();
const documents = [...sample.manifests, sample.index, ...sample.blobs.slice(0, 1)].map(({ bytes }) =>
  JSON.parse(bytes.toString()),
);

const WHAT = 'registry.test/app:1';
const PLATFORM = { os: 'linux', architecture: 'amd64' };

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isShoalError(error) || error.code === 'internal') throw error;
    assert.ok(error.message.startsWith(WHAT), `the message does not name the image: ${error.message}`);
    assert.ok(error.message.length < 2000, 'the message quotes the document');
  }
}

export const documentTarget: FuzzTarget = {
  name: 'document',
  runs: 2500,
  input: fc.oneof(mutatedJson(documents), mutated(documents.map(each => Buffer.from(JSON.stringify(each))))),
  allows: [],
  run(input) {
    attempt(() => describeDocument(input, '', WHAT));
    attempt(() => {
      for (const { digest, size } of parseManifest(input, WHAT).layers) {
        assert.ok(/^sha256:[0-9a-f]{64}$/.test(digest) && Number.isSafeInteger(size) && size >= 0);
      }
    });
    attempt(() => chooseEntry(parseIndex(input, WHAT).manifests, PLATFORM, 'nydus', WHAT));
    attempt(() => {
      for (const digest of parseConfig(input, WHAT).rootfs.diff_ids) assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    });
  },
};

const SECRET = 'c2VjcmV0OnNlY3JldA==';
const dockerConfigs = [
  { auths: { 'registry.test': { auth: SECRET }, 'https://index.docker.io/v1/': { username: 'u', password: SECRET } } },
  { auths: {}, credsStore: 'none', credHelpers: { 'registry.test': 'none' }, HttpHeaders: { 'User-Agent': 'x' } },
];

export const dockerConfigTarget: FuzzTarget = {
  name: 'docker-config',
  runs: 1500,
  input: mutatedJson(dockerConfigs),
  allows: [],
  run(input) {
    for (const host of ['registry.test', 'docker.io', '__proto__', 'constructor']) {
      try {
        const found = findCredential(textOf(input), host, 'config.json');
        assert.ok(found === undefined || typeof found === 'object');
      } catch (error) {
        assert.ok(!String(error).includes(SECRET), 'a secret in a message');
        if (!isShoalError(error, 'malformed')) throw error;
      }
    }
  },
};

const stats = { totalBytes: 1, fetchedBytes: 1, requests: 1, hits: 1, misses: 1, waiting: 0 };
const messages = [
  {
    reference: WHAT,
    mountpoint: '/mnt',
    driver: 'auto',
    writable: false,
    plainHttp: true,
    platform: PLATFORM,
    readDeadlineMs: 5,
  },
  { mountpoint: '/mnt', force: true },
  [
    {
      reference: WHAT,
      manifestDigest: `sha256:${'a'.repeat(64)}`,
      mountpoint: '/mnt',
      driver: 'fuse',
      writable: false,
      mountedAt: 1,
      stats,
    },
  ],
];

export const controlMessageTarget: FuzzTarget = {
  name: 'control-message',
  runs: 1500,
  input: mutatedJson(messages),
  allows: [],
  run(input) {
    let value: unknown;
    try {
      value = JSON.parse(textOf(input));
    } catch {
      return;
    }
    const request = mountRequest.safeParse(value);
    if (request.success) {
      assert.ok(request.data.mountpoint.length > 0 && request.data.mountpoint.length <= 4096);
      assert.deepEqual(mountRequest.parse(JSON.parse(JSON.stringify(request.data))), request.data);
    }
    unmountRequest.safeParse(value);
    mountInfo.safeParse(value);
    mountList.safeParse(value);
  },
};
