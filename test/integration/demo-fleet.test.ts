// The nodes of the demonstration, without a cluster: each by itself, so that all of their bytes come from the registry.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFleet } from '../../cli/demo/fleet.ts';
import { noise } from '../support/fake-blob.ts';
import { buildImage } from '../support/image-builder.ts';
import { makeShoal, removeLeftovers } from '../support/shoal.ts';

const BUSYBOX = '/bin/busybox';
const skip = existsSync(BUSYBOX) ? false : `${BUSYBOX} (busybox-static) is not installed`;
const IMAGE_BYTES = 3 << 20;

test('nodes that start together get ready, then all of the image, and say where it came from', { skip }, async t => {
  const shoal = await makeShoal(t);
  const source = await buildImage(join(shoal.scratch, 'layout'), {
    tag: 'app',
    config: { Entrypoint: ['/bin/sh', '-c'], Cmd: ['echo ready: yes'], Env: ['PATH=/bin'] },
    layers: [
      {
        tar: [
          { path: 'bin/busybox', content: await readFile(BUSYBOX), mode: 0o755 },
          { path: 'bin/sh', type: 'symlink', target: 'busybox' },
          { path: 'never-read', content: noise(IMAGE_BYTES, 'never read') },
        ],
      },
    ],
  });
  const layout = join(shoal.scratch, 'converted');
  await shoal.ok('convert', source.reference, `oci:${layout}:app`);
  t.after(() => removeLeftovers(shoal.scratch));
  const roots: string[] = [];
  const environment = async (root: string) => {
    roots.push(root);
    return {};
  };
  const { signal } = new AbortController();
  const start = { layout, tag: 'app', bytesPerSecond: 1e9, workDir: shoal.scratch, together: 2, environment };
  const { first, others, originBytesFirst, originBytesOthers } = await startFleet(start, signal);
  assert.equal(new Set(roots).size, 3);
  assert.equal(others.length, 2);
  for (const node of [first, ...others]) {
    assert.ok(node.readyMs > 0 && node.wholeMs > 0);
    assert.equal(node.peerBytes, 0);
    assert.ok(node.originBytes > IMAGE_BYTES, `${node.originBytes} bytes from the origin`);
  }
  assert.ok(originBytesFirst > IMAGE_BYTES && originBytesOthers > 2 * IMAGE_BYTES);
});
