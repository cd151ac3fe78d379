// How the kernel is told to treat the pages of a device when EROFS opens it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceNodes } from '../../../daemon/fuse/device-nodes.ts';
import { Op, OpenFlag, OpenOut, OutHeader } from '../../../daemon/fuse/protocol.ts';
import { BootstrapReader, DeviceReader } from '../../../image/index.ts';
import { directory } from '../image/image-builder.ts';
import { content, makeImage } from './lazy-image.ts';

const CHUNK = 1 << 18;

/** What opening the only device of an image with files of these sizes gives. */
function flagsFor(...sizes: readonly number[]): number {
  const image = makeImage(
    builder => directory(Object.fromEntries(sizes.map((size, i) => [`f${i}`, builder.file(content(size, `${i}`))]))),
    { chunkSize: CHUNK },
  );
  const reply = new Uint32Array(OutHeader.WORDS + OpenOut.WORDS).fill(0xffffffff);
  const devices = new DeviceReader(new BootstrapReader(Uint8Array.from(image.bootstrap)));
  const nid = devices.lookup(devices.rootNid, Buffer.from(new BootstrapReader(image.bootstrap).blobs[0]?.id ?? ''));
  assert.equal(new DeviceNodes(devices, { reply }).answer(Op.OPEN, nid), OpenOut.BYTES);
  const [handleLow, handleHigh, flags = 0, backing] = reply.subarray(OutHeader.WORDS);
  assert.deepEqual([handleLow, handleHigh, backing], [0, 0, 0]);
  return flags;
}

test('pages of a device are kept, where most of it is small files', () => {
  assert.equal(flagsFor(1, 5000, 60_000, 100_000, 3), OpenFlag.KEEP_CACHE);
  assert.equal(flagsFor(CHUNK, 100_000, 100_001, 100_002), OpenFlag.KEEP_CACHE);
});

test('they are not, where most of it is large files', () => {
  assert.equal(flagsFor(3 * CHUNK), OpenFlag.DIRECT_IO);
  assert.equal(flagsFor(2 * CHUNK, 100_000, 5000, 1), OpenFlag.DIRECT_IO);
});
