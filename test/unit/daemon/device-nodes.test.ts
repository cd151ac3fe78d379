// How the kernel is told to treat the pages of a device when EROFS opens it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceNodes } from '../../../daemon/fuse/device-nodes.ts';
import { Op, OpenFlag, OpenOut, OutHeader } from '../../../daemon/fuse/protocol.ts';
import { BootstrapReader, DeviceReader, straightName } from '../../../image/index.ts';
import { directory } from '../image/image-builder.ts';
import { content, makeImage } from './lazy-image.ts';

test("a device's pages are kept, those of a second device are not", () => {
  const { bootstrap } = makeImage(builder => directory({ file: builder.file(content(5000, 'file')) }));
  const reader = new BootstrapReader(Uint8Array.from(bootstrap));
  const devices = new DeviceReader(reader);
  const id = reader.blobs[0]?.id ?? '';
  for (const [name, flags] of [
    [id, OpenFlag.KEEP_CACHE],
    [straightName(id), OpenFlag.DIRECT_IO],
  ] as const) {
    const reply = new Uint32Array(OutHeader.WORDS + OpenOut.WORDS).fill(0xffffffff);
    const nodes = new DeviceNodes(devices, { reply });
    const nid = nodes.lookup(nodes.rootNid, Buffer.from(name), 0, name.length);
    assert.equal(nodes.answer(Op.OPEN, nid), OpenOut.BYTES);
    assert.deepEqual([...reply.subarray(OutHeader.WORDS)], [0, 0, flags, 0]);
    assert.equal(nodes.answer(Op.RELEASE, nid), 0);
    assert.equal(nodes.answer(Op.READDIR, nid), undefined);
  }
});
