// A small image in memory, ready to be mounted: its tree, and a source with knobs that its chunks come from.

import { createCipheriv, createHash } from 'node:crypto';
import type { MountRequest } from '../../../core/index.ts';
import { digestFromHex, ShoalError } from '../../../core/index.ts';
import type { ImageLibrary, LazyImage } from '../../../daemon/index.ts';
import type { DirectoryNode } from '../../../image/index.ts';
import { BootstrapReader, writeBootstrap } from '../../../image/index.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { directory, ImageBuilder } from '../image/image-builder.ts';

export interface TestImage extends LazyImage {
  readonly origin: MemorySource;
  readonly root: DirectoryNode;
  readonly builder: ImageBuilder;
}

/** Builds the image that `fill` puts into the builder and returns the root of. */
export function makeImage(
  fill: (builder: ImageBuilder) => DirectoryNode,
  options: { readonly reference?: string; readonly chunkSize?: number } = {},
): TestImage {
  const builder = new ImageBuilder(options.chunkSize);
  const root = fill(builder);
  const { tree, blobs, descriptors } = builder.finish(root);
  const bootstrap = writeBootstrap(tree);
  const origin = new MemorySource();
  const layouts = new BootstrapReader(bootstrap).blobLayouts(descriptors);
  for (const [at, layout] of layouts.entries()) origin.add(layout, blobs[at]?.file ?? Buffer.alloc(0));
  return {
    reference: options.reference ?? 'registry.test/image:one',
    manifestDigest: digestFromHex(createHash('sha256').update(bootstrap).digest('hex')),
    bootstrap,
    layers: descriptors,
    origin,
    totalBytes: descriptors.reduce((sum, { size }) => sum + size, 0),
    root,
    builder,
  };
}

/** A library of these images, by reference. */
export function libraryOf(...images: readonly LazyImage[]): ImageLibrary {
  const find = (reference: string) => {
    const image = images.find(candidate => candidate.reference === reference);
    if (image === undefined) throw new ShoalError('not-found', `image ${reference}: not in the test's library`);
    return image;
  };
  return {
    open: async ({ reference }) => find(reference),
    sources: ({ reference }) => ({ origin: find(reference).origin }),
  };
}

/** What `auto` would rather have has suites of its own. */
let driver: MountRequest['driver'] = process.geteuid?.() === 0 ? 'fuse' : 'auto';

/** For the tests that follow: how the suites of a mounted tree are run with every driver. */
export function useDriver(name: MountRequest['driver']): void {
  driver = name;
}

export function driverInUse(): MountRequest['driver'] {
  return driver;
}

let erofsBacking: MountRequest['erofsBacking'];

/** The same for what erofs reads from. */
export function useBacking(name: MountRequest['erofsBacking']): void {
  erofsBacking = name;
}

export function backingInUse(): MountRequest['erofsBacking'] {
  return erofsBacking;
}

export function requestFor(image: LazyImage, mountpoint: string, changes: Partial<MountRequest> = {}): MountRequest {
  return {
    reference: image.reference,
    mountpoint,
    driver,
    erofsBacking,
    writable: false,
    plainHttp: false,
    insecure: false,
    ...changes,
  };
}

/** Deterministic bytes that do not compress, made fast. */
export function content(length: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** The image of daemon-process.ts: the same bytes in every process. */
export function killableImage(): TestImage {
  return makeImage(
    builder =>
      directory({
        cached: builder.file(content(600_000, 'cached')),
        other: builder.file(content(600_000, 'other')),
        folder: directory({ file: builder.file('in a folder\n') }),
      }),
    { chunkSize: 1 << 17 },
  );
}
