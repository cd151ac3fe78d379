// The images of the kill matrix: made from their references alone, so that every daemon has the same ones.

import { createHash } from 'node:crypto';
import { content, makeImage, type TestImage } from '../unit/daemon/lazy-image.ts';
import { directory } from '../unit/image/image-builder.ts';

export const FILES = ['one', 'two'] as const;
/** By erofs, the second is read from a device of its own. */
const FILE_BYTES = { one: 400_000, two: 700_000 };
const CHUNK_BYTES = 1 << 16;

export function killImage(reference: string): TestImage {
  return makeImage(
    builder => directory(Object.fromEntries(FILES.map(name => [name, builder.file(bytesOf(reference, name))]))),
    { reference, chunkSize: CHUNK_BYTES },
  );
}

/** Of its files, in order. */
export function killDigests(reference: string): readonly string[] {
  return FILES.map(name => createHash('sha256').update(bytesOf(reference, name)).digest('hex'));
}

function bytesOf(reference: string, name: (typeof FILES)[number]): Buffer {
  return content(FILE_BYTES[name], `${reference} ${name}`);
}
