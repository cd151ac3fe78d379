// A path inside an image to the file it means: symbolic links are followed as a process would that has the image as its
// root, never on this machine. Pure; for any tree.

import { ShoalError } from '../../core/index.ts';

/** The kernel's own limit (path_resolution(7)). */
const MAX_LINKS = 40;

/** A tree to look names up in; names and targets are byte strings (each character one byte). */
export interface TreeView<N> {
  readonly root: N;
  /** The entry of this name, if `directory` is one and has it. */
  child(directory: N, name: string): N | undefined;
  isDirectory(node: N): boolean;
  /** Of a symbolic link. */
  target(node: N): string | undefined;
}

export interface Resolved<N> {
  readonly node: N;
  /** Where it really is: no links on the way. As a person would read it. */
  readonly path: string;
}

interface Step<N> {
  readonly node: N;
  readonly name: string;
}

/** `follow`: also the last name, if it is a link. Throws `not-found` naming what is missing, `malformed` for circles. */
export function resolvePath<N>(tree: TreeView<N>, path: string, options: { readonly follow: boolean }): Resolved<N> {
  const steps: Step<N>[] = [{ node: tree.root, name: '' }];
  const ahead = Buffer.from(path, 'utf8').toString('latin1').split('/').reverse();
  let links = 0;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const current = steps.at(-1) ?? { node: tree.root, name: '' };
    if (!tree.isDirectory(current.node)) {
      throw new ShoalError('not-found', `${path}: ${shownPath(steps)} is no directory`);
    }
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (steps.length > 1) steps.pop(); // `..` of the root is the root
      continue;
    }
    const node = tree.child(current.node, name);
    if (node === undefined) {
      throw new ShoalError(
        'not-found',
        `${path}: the image has no ${shownPath([...steps, { node: tree.root, name }])}`,
      );
    }
    const target = tree.target(node);
    const isLast = ahead.length === 0;
    if (target === undefined || (isLast && !options.follow)) {
      steps.push({ node, name });
      continue;
    }
    if (++links > MAX_LINKS) throw new ShoalError('malformed', `${path}: more than ${MAX_LINKS} symbolic links`);
    if (target.startsWith('/')) steps.length = 1;
    ahead.push(...target.split('/').reverse());
  }
  return { node: (steps.at(-1) ?? { node: tree.root }).node, path: shownPath(steps) };
}

function shownPath(steps: readonly Step<unknown>[]): string {
  return `/${steps
    .slice(1)
    .map(({ name }) => text(name))
    .join('/')}`;
}

/** A byte string as text. */
export function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
