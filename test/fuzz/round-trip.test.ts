// What goes in comes out: random trees through the bootstrap writer and its reader, random chunks through a blob's
// tables, random layers through a whole conversion, random challenges through their parser.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { encodeBootstrap } from '../../image/bootstrap-writer.ts';
import type { DirectoryNode, TreeNode } from '../../image/index.ts';
import {
  BootstrapReader,
  blobDataTrailer,
  buildBlobTail,
  ChunkList,
  checkBootstrap,
  parseBlobToc,
  parseCompressionTable,
  TOC_TAIL_BYTES,
  walkTree,
} from '../../image/index.ts';
import { parseChallenges } from '../../registry/challenge.ts';
import { buildImage } from '../support/image-builder.ts';
import type { TarItem } from '../support/tar-bytes.ts';
import { convert, makeWorkspace, readConverted } from '../unit/converter/converted-image.ts';
import { attributes, directory, ImageBuilder, symlink } from '../unit/image/image-builder.ts';
import { readFile } from '../unit/image/reading.ts';
import { parametersText } from './targets/texts.ts';

const SEED = 20_240_817;

/** A tree as plain data; contents and targets are byte strings. */
interface Spec {
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo' | 'char';
  readonly mode: number;
  readonly uid: number;
  readonly mtimeSeconds: number;
  readonly content: Uint8Array;
  readonly target: string;
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
  readonly children: Readonly<Record<string, Spec>>;
}

const byteString = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength }).map(bytes => Buffer.from(bytes).toString('latin1').replaceAll('\0', '.'));
/** Anything but `.`, `..`, slashes and what layers mean as whiteouts; object keys that are special to JavaScript, too. */
const fileName = fc
  .oneof(
    { arbitrary: byteString(12), weight: 8 },
    { arbitrary: fc.constantFrom('__proto__', 'constructor', '...', ' ', 'a\nb', 'x'.repeat(255)), weight: 1 },
  )
  .map(name => name.replaceAll('/', '_'))
  .filter(name => name !== '.' && name !== '..' && !name.startsWith('.wh.'));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  // Several chunks of 4 KiB, some of them zeros, some twice.
  fc
    .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5000 })), { maxLength: 4 })
    .map(parts => Buffer.concat(parts.map(([value, length]) => Buffer.alloc(length, value)))),
);
const xattrs = fc
  .array(fc.tuple(byteString(10), fc.uint8Array({ maxLength: 60 })), { maxLength: 2 })
  .map(list => Object.fromEntries(list.map(([name, value]) => [`user.${name.replaceAll('=', '-')}`, value])));

const { tree } = fc.letrec<{ tree: Spec; node: Spec }>(tie => {
  const common = {
    mode: fc.nat(0o7777),
    uid: fc.constantFrom(0, 1000, 70_000, 4_000_000_000),
    mtimeSeconds: fc.integer({ min: -(2 ** 33), max: 2 ** 34 }),
    content,
    target: byteString(40),
    xattrs,
  };
  const children = fc
    .array(fc.tuple(fileName, tie('node')), { maxLength: 5, depthIdentifier: 'tree' })
    .map(list => Object.fromEntries(list));
  const leaf = fc.record({
    ...common,
    kind: fc.constantFrom('file', 'file', 'symlink', 'fifo', 'char'),
    children: fc.constant({}),
  });
  return {
    tree: fc.record({ ...common, kind: fc.constant('directory'), children }),
    node: fc.oneof({ depthIdentifier: 'tree', maxDepth: 4 }, leaf, tie('tree')),
  };
});

function nodeOf(spec: Spec, builder: ImageBuilder): TreeNode {
  const { kind, mode, uid, mtimeSeconds } = spec;
  const given = { mode, uid, mtimeSeconds, xattrs: new Map(Object.entries(spec.xattrs)) };
  switch (kind) {
    case 'directory':
      return directoryOf(spec, builder);
    case 'file':
      return builder.file(spec.content, given);
    case 'symlink':
      return symlink(spec.target, given);
    case 'fifo':
      return { kind, ...attributes(given) };
    case 'char':
      return { kind, ...attributes(given), major: 1, minor: 3 };
  }
}

function directoryOf(spec: Spec, builder: ImageBuilder): DirectoryNode {
  const { mode, uid, mtimeSeconds } = spec;
  const made = directory({}, { mode, uid, mtimeSeconds, xattrs: new Map(Object.entries(spec.xattrs)) });
  for (const [name, child] of Object.entries(spec.children)) made.children.set(name, nodeOf(child, builder));
  return made;
}

function* entriesOf(spec: Spec, path = ''): Generator<[string, Spec]> {
  yield [path, spec];
  for (const [name, child] of Object.entries(spec.children).sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield* entriesOf(child, path === '' ? name : `${path}/${name}`);
  }
}

const hex = (values: Iterable<[string, Uint8Array]>) =>
  [...values].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).sort();

test('random trees come back from the bootstrap as they were written, and check finds nothing wrong', () => {
  const property = fc.property(tree, fc.constantFrom(9, 12), (spec, blockBits) => {
    const builder = new ImageBuilder(4096);
    const root = directoryOf(spec, builder);
    const image = builder.finish(root);
    const files = image.blobs.map(({ file }) => file);
    const reader = new BootstrapReader(encodeBootstrap(image.tree, blockBits));
    assert.deepEqual(checkBootstrap(reader).problems, []);
    const walked = [...walkTree(reader)];
    const expected = [...entriesOf(spec)];
    assert.deepEqual(walked.map(({ path }) => path).sort(), expected.map(([path]) => path).sort());
    const byPath = new Map(expected);
    for (const { path, nid, attributes: found } of walked) {
      const node = byPath.get(path);
      assert.ok(node);
      assert.equal(found.mode & 0o7777, node.mode);
      assert.deepEqual([found.uid, found.mtimeSeconds], [node.uid, node.mtimeSeconds]);
      assert.deepEqual(hex(reader.xattrs(nid)), hex(Object.entries(node.xattrs)));
      if (node.kind === 'symlink') assert.equal(Buffer.from(reader.readlink(nid)).toString('latin1'), node.target);
      if (node.kind !== 'file') continue;
      const read = readFile(reader, nid, { descriptors: image.descriptors, files });
      assert.ok(read.equals(node.content), `content of ${path}`);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 150 });
});

test("random chunks come back from a blob's own tables as they were written", () => {
  const sizes = fc.record({
    size: fc.integer({ min: 1, max: 1 << 24 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const property = fc.property(fc.array(sizes, { minLength: 1, maxLength: 200 }), list => {
    const chunks = new ChunkList();
    let [compressedOffset, deviceOffset] = [0, 0];
    for (const [index, { size, share }] of list.entries()) {
      const stored = Math.max(1, Math.floor(size * share));
      const compressed = stored < size;
      const digest = createHash('sha256').update(`${index}`).digest();
      const places = { compressedOffset, deviceOffset, compressedSize: stored, uncompressedSize: size };
      chunks.push({ index, ...places, compressed, digest });
      compressedOffset += stored;
      deviceOffset += Math.ceil(size / 4096) * 4096;
    }
    const dataDigest = createHash('sha256').update(blobDataTrailer(compressedOffset)).digest();
    const { tail, compressionTable } = buildBlobTail({ dataSize: compressedOffset, dataDigest, chunks });
    const start = compressionTable.offset - compressedOffset;
    const table = parseCompressionTable(tail.subarray(start, start + compressionTable.storedSize + 4096));
    assert.equal(table.header.chunkCount, chunks.length);
    for (let index = 0; index < chunks.length; index++) {
      const { digest: _digest, index: _index, ...expected } = chunks.at(index);
      assert.deepEqual({ ...table.entry(index), ...expected }, table.entry(index));
    }
    const [data] = parseBlobToc(tail.subarray(-TOC_TAIL_BYTES));
    assert.deepEqual([data?.name, data?.storedSize], ['image.blob', compressedOffset]);
  });
  fc.assert(property, { seed: SEED, numRuns: 100 });
});

test('random challenges come back from their header as they were written', () => {
  const token = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
  const value = fc.string({ maxLength: 20 });
  const list = fc.array(fc.tuple(token, fc.dictionary(token, value, { minKeys: 1, maxKeys: 4 })), { maxLength: 3 });
  const property = fc.property(list, challenges => {
    const header = challenges.map(([scheme, parameters]) => `${scheme} ${parametersText(parameters)}`).join(', ');
    const parsed = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.deepEqual(
      parsed,
      challenges.map(([scheme, parameters]) => [scheme, { ...parameters }]),
    );
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

function tarItems(spec: Spec): TarItem[] {
  return [...entriesOf(spec)].flatMap(([path, node]): TarItem[] => {
    if (path === '') return [];
    const { kind, mode, uid, xattrs: values } = node;
    // ustar's field has no negative times; pax has.
    const pax = { mtime: String(node.mtimeSeconds) };
    const item = { path, type: kind, mode, uid, mtime: 0, pax, xattrs: values };
    if (kind === 'file') return [{ ...item, content: node.content }];
    if (kind === 'symlink') return [{ ...item, target: node.target }];
    return [kind === 'char' ? { ...item, major: 1, minor: 3 } : item];
  });
}

async function converted(t: TestContext, spec: Spec) {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [{ tar: tarItems(spec), compression: 'zstd' }] });
  const report = await convert(space, image, { chunkSize: 4096, workers: 1 });
  return readConverted(space.target, report.target.digest);
}

test('random layers are the same trees after a whole conversion', async t => {
  const property = fc.asyncProperty(tree, async spec => {
    const found = await converted(t, spec);
    const expected = [...entriesOf(spec)];
    assert.deepEqual([...found.keys()].sort(), expected.map(([path]) => `/${path}`).sort());
    for (const [path, node] of expected) {
      if (path === '') continue; // the layer has no entry for the root
      const entry = found.get(`/${path}`);
      assert.deepEqual(
        [entry?.type, entry?.mode, entry?.owner, entry?.mtime.split('.')[0], entry?.target],
        [
          node.kind,
          (node.kind === 'symlink' ? 0o777 : node.mode).toString(8),
          `${node.uid}:0`,
          String(node.mtimeSeconds),
          node.kind === 'symlink' ? node.target : '',
        ],
        path,
      );
      assert.equal(
        entry?.xattrs,
        hex(Object.entries(node.xattrs))
          .map(text => text.replace('=', '=0x'))
          .sort()
          .join(' '),
      );
      if (node.kind === 'file') {
        assert.equal(entry?.content, createHash('sha256').update(node.content).digest('hex'), path);
      }
    }
  });
  await fc.assert(property, { seed: SEED, numRuns: 20 });
});
