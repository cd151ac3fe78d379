// What a conversion met that is worth telling, counted by kind instead of repeated for each file.

import { printable } from './entry-path.ts';

/** Each kind with what it means for the image. */
export const WARNING_TEXT = {
  'xattr-dropped': 'extended attributes outside user, trusted, security and the POSIX ACLs cannot be stored',
  'overlay-xattr-dropped': "overlayfs's own extended attributes are not part of an image",
  'whiteout-device-skipped':
    'character devices 0:0 are whiteouts to overlayfs; they hide what is below and are not stored',
  'reserved-name-skipped': 'names that begin with .wh. are reserved for whiteouts',
  'global-header-ignored': 'global pax headers do not apply to entries, as in container runtimes',
} as const;

export type WarningKind = keyof typeof WARNING_TEXT;

export interface ConvertWarning {
  readonly kind: WarningKind;
  readonly message: string;
  readonly count: number;
  /** The first path, printable; '' when it is not about a path. */
  readonly example: string;
}

export class Warnings {
  readonly #byKind = new Map<WarningKind, { count: number; example: string }>();

  /** Counts one; `path` is a byte string. */
  add(kind: WarningKind, path: string, count = 1): void {
    if (count === 0) return;
    const known = this.#byKind.get(kind);
    if (known) known.count += count;
    else this.#byKind.set(kind, { count, example: path === '' ? '' : printable(path) });
  }

  /** Sorted by kind. */
  list(): readonly ConvertWarning[] {
    return [...this.#byKind]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, { count, example }]) => ({ kind, message: WARNING_TEXT[kind], count, example }));
  }
}
