// Bootstraps: everything that the reader can be asked, about everything that it shows, and the whole check.

import assert from 'node:assert/strict';
import type { Descriptor } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { encodeBootstrap } from '../../../image/bootstrap-writer.ts';
import { BootstrapReader, checkBootstrap, emptyAttributes, walkTree } from '../../../image/index.ts';
import { descriptorOf, FIXTURE_BLOB_ID, fixture } from '../../unit/image/fixtures.ts';
import { directory, ImageBuilder, symlink } from '../../unit/image/image-builder.ts';
import { type FuzzTarget, mutated } from '../fuzzing.ts';

/** One of everything that matters, small. */
function ownImage(blockBits: number): { bytes: Uint8Array; descriptors: readonly Descriptor[] } {
  const builder = new ImageBuilder(4096);
  const shared = builder.file('two names', { uid: 1000 });
  const root = directory({
    a: directory({ b: directory({ c: builder.file('deep') }), again: shared }),
    file: builder.file('x'.repeat(9000), { xattrs: new Map([['user.name', Buffer.from('value')]]) }),
    link: symlink('a/b'),
    long: symlink('l'.repeat(700), { xattrs: new Map([['trusted.link', Buffer.alloc(200, 7)]]) }),
    null: { ...directory(), kind: 'char', major: 1, minor: 3 },
    shared,
    wide: directory(
      Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`n${i} ${'-'.repeat(30)}`, directory()])),
    ),
  });
  const image = builder.finish(root);
  return { bytes: encodeBootstrap(image.tree, blockBits), descriptors: image.descriptors };
}

const own = ownImage(12);
const small = ownImage(9);
const nydus = fixture('rafs-v6-2.2.boot');
const descriptors = [...own.descriptors, descriptorOf(fixture(FIXTURE_BLOB_ID))];

/** One step; the reader as a whole must survive whatever a step meets. */
function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isShoalError(error) || error.code === 'internal') throw error;
  }
}

function interrogate(bytes: Uint8Array): void {
  const reader = new BootstrapReader(bytes);
  const attributes = emptyAttributes();
  // Numbers that nobody handed out, too: they come from programs' handles and from messages.
  const nids = new Set([reader.rootNid, 0, 1, 200, Math.floor(bytes.length / 32) - 1, 2 ** 40]);
  for (const nid of nids) {
    attempt(() => reader.stat(nid, attributes));
    attempt(() =>
      reader.readdir(nid, 0, (child, _type, name, next) => {
        nids.add(child);
        assert.ok(name.length > 0 && name.length <= 255 && !name.includes(0) && !name.includes(0x2f));
        assert.ok(next > 0);
        attempt(() => reader.lookup(nid, name.slice()));
        return nids.size < 400;
      }),
    );
    for (const cookie of [12, 4096, 2 ** 33]) attempt(() => reader.readdir(nid, cookie, () => false));
    attempt(() => {
      for (const [name, value] of reader.xattrs(nid)) assert.ok(name !== '' && value.length <= 65535);
    });
    attempt(() => assert.ok(reader.readlink(nid).length <= 4096));
    attempt(() =>
      reader.extents(nid, 4000, 50_000, (blob, _chunk, at, length) =>
        assert.ok(blob >= 0 && blob < reader.blobCount && at >= 0 && length > 0),
      ),
    );
  }
  attempt(() => {
    for (const { path } of walkTree(reader)) assert.ok(!path.split('/').includes('..'));
  });
  const report = checkBootstrap(reader);
  assert.ok(report.problems.every(({ message }) => message !== ''));
  for (const known of [descriptors.slice(0, 1), descriptors.slice(-1)]) {
    attempt(() => {
      for (const layout of reader.blobLayouts(known)) {
        for (let index = 0; index < Math.min(layout.chunkCount, 20); index++) attempt(() => layout.chunk(index));
        attempt(() => layout.chunk(layout.chunkCount));
      }
    });
  }
}

export const bootstrapTarget: FuzzTarget = {
  name: 'bootstrap',
  runs: 1500,
  input: mutated([nydus, own.bytes, small.bytes]),
  allows: ['malformed', 'unsupported', 'limit'],
  run: interrogate,
};
