// Which extended attributes of a layer reach the image.

import { isWritableXattr } from '../image/index.ts';
import type { Warnings } from './warnings.ts';

/**
 * overlayfs reads these from its lower layers: an image that carried them could hide files of the layers below, or
 * redirect to others, in every container. They are state of one machine's overlay, never content.
 */
const OVERLAY_PREFIXES: readonly string[] = ['trusted.overlay.', 'user.overlay.'];

const NONE: ReadonlyMap<string, Uint8Array> = new Map();

/** The attributes to keep; those that are dropped are counted in `warnings`. */
export function keptXattrs(
  xattrs: ReadonlyMap<string, Uint8Array> | undefined,
  path: string,
  warnings: Warnings,
): ReadonlyMap<string, Uint8Array> {
  if (!xattrs || xattrs.size === 0) return NONE;
  const kept = new Map<string, Uint8Array>();
  for (const [name, value] of xattrs) {
    if (OVERLAY_PREFIXES.some(prefix => name.startsWith(prefix))) warnings.add('overlay-xattr-dropped', path);
    else if (isWritableXattr(name)) kept.set(name, value);
    else warnings.add('xattr-dropped', path);
  }
  return kept;
}
