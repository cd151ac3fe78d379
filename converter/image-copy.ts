// Copies an image as it is, beside its accelerated form: for merged indexes, and so that what refers to it (signatures)
// resolves. Blobs that the target has are not transferred; names are not given, the caller's index or tag does that.

import pLimit from 'p-limit';
import {
  abortedError,
  type Descriptor,
  type Digest,
  type ImageSink,
  type ImageSource,
  ShoalError,
} from '../core/index.ts';
import { describeDocument, parseIndex, parseManifest } from '../registry/index.ts';
import { UPLOADS_AT_ONCE } from './config.ts';

export interface CopyOptions {
  readonly source: ImageSource;
  readonly sink: ImageSink;
  readonly signal: AbortSignal;
  /** Bytes that went to the target. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Manifests and indexes that belong to one image. */
const MAX_DOCUMENTS = 1000;

/** Layers that registries need not hold: their makers give them out themselves. */
const FOREIGN_LAYER = /nondistributable|foreign/;

/** Copies a manifest with all it names, or an index with all its manifests. What it names is there before it is. */
export function copyImage(descriptor: Descriptor, options: CopyOptions): Promise<void> {
  return copyDocument(descriptor, options, new Set());
}

async function copyDocument(descriptor: Descriptor, options: CopyOptions, copied: Set<Digest>): Promise<void> {
  const { source, sink, signal } = options;
  if (copied.has(descriptor.digest)) return;
  copied.add(descriptor.digest);
  if (copied.size > MAX_DOCUMENTS)
    throw new ShoalError('limit', `${source.name}: more than ${MAX_DOCUMENTS} manifests`);
  const bytes = await source.document(descriptor, { signal });
  const { kind, mediaType } = describeDocument(bytes, descriptor.mediaType, source.name);
  if (kind === 'index') {
    for (const child of parseIndex(bytes, source.name).manifests) await copyDocument(child, options, copied);
  } else {
    await copyBlobs(bytes, options);
  }
  await sink.putManifest(bytes, mediaType, { signal, untagged: true });
}

/** Copies config and layers of a manifest, not the manifest itself. The first failure ends what else is under way. */
export async function copyBlobs(manifestBytes: Uint8Array, options: CopyOptions): Promise<void> {
  const { source, sink, onBytes } = options;
  const { config, layers } = parseManifest(manifestBytes, source.name);
  const limit = pLimit(UPLOADS_AT_ONCE);
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const copyBlob = async (blob: Descriptor) => {
    try {
      if (signal.aborted) throw abortedError(signal);
      await sink.putBlob(blob, () => source.blob(blob, { signal }), { signal, ...(onBytes && { onBytes }) });
    } catch (error) {
      failing.abort(error);
      throw error;
    }
  };
  const wanted = [config, ...layers].filter(({ mediaType }) => !FOREIGN_LAYER.test(mediaType));
  // Nothing may run on when this has failed: the target is disposed then.
  await Promise.allSettled(wanted.map(blob => limit(copyBlob, blob)));
  // What failed first is the reason, the others are its consequences.
  if (failing.signal.aborted) throw failing.signal.reason;
}
