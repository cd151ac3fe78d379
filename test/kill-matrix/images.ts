// The images of the kill matrix: made from their references alone, so that every daemon has the same ones.

import { createHash } from 'node:crypto';
import { content, makeImage, type TestImage } from '../unit/daemon/lazy-image.ts';
import { directory } from '../unit/image/image-builder.ts';

export const FILES = ['one', 'two'] as const;
const FILE_BYTES = 400_000;
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

function bytesOf(reference: string, name: string): Buffer {
  return content(FILE_BYTES, `${reference} ${name}`);
}
