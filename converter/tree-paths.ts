// Finds and makes directories of a tree by path, following symbolic links inside the root, and remembers which names
// the current layer has touched.

import { ShoalError } from '../core/index.ts';
import type { DirectoryNode } from '../image/index.ts';
import { checkName, printable } from './entry-path.ts';
import { implicitDirectory } from './tree-nodes.ts';

/** Linux gives up with ELOOP after as many. Bounds the work that a hostile path can cause. */
const MAX_SYMLINKS = 40;

/** A step on the way down: the directory and the name by which its parent has it. */
interface Step {
  readonly directory: DirectoryNode;
  readonly name: string;
}

export class TreePaths {
  readonly #root: DirectoryNode;
  /** Names that the current layer put, and the names of all directories on the way to them. */
  readonly #touched = new Map<DirectoryNode, Set<string>>();

  readonly #maxImplicit: number;
  #implicit = 0;

  /** `maxImplicit`: how many directories may be made for paths whose parents the layers do not list. */
  constructor(root: DirectoryNode, options: { readonly maxImplicit: number }) {
    this.#root = root;
    this.#maxImplicit = options.maxImplicit;
  }

  /** The directory at these names, or undefined when there is none. Creates and touches nothing. */
  find(names: readonly string[]): DirectoryNode | undefined {
    return this.#walk(names, undefined)?.at(-1)?.directory;
  }

  /**
   * The directory at these names; missing ones are created, and the way there is touched. `path` is for messages.
   * Throws `malformed` when something on the way is neither directory nor symbolic link, or links go in circles.
   */
  make(names: readonly string[], path: string): DirectoryNode {
    const steps = this.#walk(names, path) ?? [];
    let parent = this.#root;
    for (const { directory, name } of steps.slice(1)) {
      this.touch(parent, name);
      parent = directory;
    }
    return parent;
  }

  touch(directory: DirectoryNode, name: string): void {
    const names = this.#touched.get(directory);
    if (names) names.add(name);
    else this.#touched.set(directory, new Set([name]));
  }

  isTouched(directory: DirectoryNode, name: string): boolean {
    return this.#touched.get(directory)?.has(name) === true;
  }

  forgetTouched(): void {
    this.#touched.clear();
  }

  #makeIn(parent: DirectoryNode, name: string, path: string): DirectoryNode {
    checkName(path, name);
    if (++this.#implicit > this.#maxImplicit) {
      throw new ShoalError('limit', `${printable(path)}: more than ${this.#maxImplicit} directories without an entry`);
    }
    const directory = implicitDirectory();
    parent.children.set(name, directory);
    return directory;
  }

  /** All steps from the root on. Without `makeFor`, undefined when the way ends; with it, missing steps are made. */
  #walk(names: readonly string[], makeFor: string | undefined): Step[] | undefined {
    const steps: Step[] = [{ directory: this.#root, name: '' }];
    const ahead = names.toReversed();
    let symlinks = 0;
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (steps.length > 1) steps.pop(); // `..` of the root is the root: nothing leads out
        continue;
      }
      const current = steps.at(-1)?.directory ?? this.#root;
      const node =
        current.children.get(name) ?? (makeFor === undefined ? undefined : this.#makeIn(current, name, makeFor));
      if (node?.kind === 'directory') {
        steps.push({ directory: node, name });
      } else if (node?.kind === 'symlink' && ++symlinks <= MAX_SYMLINKS) {
        if (node.target.startsWith('/')) steps.length = 1;
        ahead.push(...node.target.split('/').reverse());
      } else {
        if (makeFor === undefined) return undefined;
        throw new ShoalError(
          'malformed',
          node?.kind === 'symlink'
            ? `${printable(makeFor)}: more than ${MAX_SYMLINKS} symbolic links on the way`
            : `${printable(makeFor)}: ${printable(name)} on the way is a ${node?.kind}, not a directory`,
        );
      }
    }
    return steps;
  }
}
