// What a comparison found: the first so many, and how many there are in all.

import { printable } from './entry-path.ts';

export type DifferenceKind =
  | 'missing'
  | 'extra'
  | 'type'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'size'
  | 'target'
  | 'device'
  | 'hard link'
  | 'xattr'
  | 'content'
  | 'config';

export interface Difference {
  /** Printable: a file's path from `/` on, or where in the config. */
  readonly path: string;
  readonly kind: DifferenceKind;
  /** In the original, and in the accelerated image. */
  readonly expected: string;
  readonly found: string;
}

export class Differences {
  readonly #max: number;
  readonly #list: Difference[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  get list(): readonly Difference[] {
    return this.#list;
  }

  /** `path` is a byte string without a leading slash. */
  addFile(path: string, kind: DifferenceKind, expected: string, found: string): void {
    this.add(JSON.parse(printable(`/${path}`)), kind, expected, found);
  }

  add(path: string, kind: DifferenceKind, expected: string, found: string): void {
    this.#count++;
    if (this.#list.length < this.#max) this.#list.push({ path, kind, expected, found });
  }

  /** Adds one unless both are the same. */
  compare(path: string, kind: DifferenceKind, expected: string, found: string): void {
    if (expected !== found) this.addFile(path, kind, expected, found);
  }
}
