// How many bytes a layer may become when it is unpacked. A few kilobytes of gzip or zstd can claim terabytes; nothing of
// them would fill memory here, but converting them would take days. Pure.

import { RATIO_MATTERS_FROM } from './config.ts';

export interface UnpackLimit {
  readonly bytes: number;
  /** What the limit is, for the message when it is passed. */
  readonly what: string;
}

/**
 * The limit of a layer of `compressedBytes` in an image whose layers below have unpacked to `unpackedBytes` already.
 * A layer may always become `RATIO_MATTERS_FROM` bytes: small layers of nothing but zeros are no attack.
 */
export function unpackLimit(
  layer: { readonly compressedBytes: number; readonly unpackedBytes: number },
  settings: { readonly maxRatio: number; readonly maxUnpackedBytes: number },
): UnpackLimit {
  const { maxRatio, maxUnpackedBytes } = settings;
  const byRatio = Math.max(RATIO_MATTERS_FROM, maxRatio * layer.compressedBytes);
  const byImage = maxUnpackedBytes - layer.unpackedBytes;
  if (byImage <= byRatio) {
    return {
      bytes: byImage,
      what: `the image's layers unpack to more than ${maxUnpackedBytes} bytes (--max-unpacked)`,
    };
  }
  const ratio = `over ${maxRatio} times as much (--max-ratio)`;
  return { bytes: byRatio, what: `its ${layer.compressedBytes} bytes unpack to more than ${byRatio}: ${ratio}` };
}
