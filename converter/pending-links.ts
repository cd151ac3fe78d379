// Hard links whose target has not come yet. They wait until the end of their layer; a link may wait for another.

import { ShoalError } from '../core/index.ts';
import type { DirectoryNode, TreeNode } from '../image/index.ts';
import { printable } from './entry-path.ts';
import type { TreePaths } from './tree-paths.ts';

export interface PendingLink {
  /** Where the link is to stand. */
  readonly directory: DirectoryNode;
  readonly name: string;
  /** The link's path in the layer, for messages. */
  readonly path: string;
  /** Where its target is: the names of the directory, and the name in it. */
  readonly targetNames: readonly string[];
  readonly targetName: string;
}

export interface ResolvedLink extends PendingLink {
  readonly target: TreeNode;
}

export class PendingLinks {
  readonly #links = new Map<DirectoryNode, Map<string, PendingLink>>();

  /** Replaces a link that waits at the same place. */
  add(link: PendingLink): void {
    const names = this.#links.get(link.directory);
    if (names) names.set(link.name, link);
    else this.#links.set(link.directory, new Map([[link.name, link]]));
  }

  /** Forgets a link: another entry took its place. */
  delete(directory: DirectoryNode, name: string): void {
    this.#links.get(directory)?.delete(name);
  }

  clear(): void {
    this.#links.clear();
  }

  /**
   * All links with what they lead to. Each link is followed once, so that long chains in the wrong order cost no more
   * than others. Throws `malformed` when a target is nowhere, or links wait for one another in a circle.
   */
  resolved(paths: TreePaths): ResolvedLink[] {
    const targets = new Map<PendingLink, TreeNode>();
    for (const names of this.#links.values()) {
      for (const link of names.values()) this.#follow(link, paths, targets);
    }
    return [...targets].map(([link, target]) => ({ ...link, target }));
  }

  #follow(first: PendingLink, paths: TreePaths, targets: Map<PendingLink, TreeNode>): void {
    const chain = new Set<PendingLink>();
    let link = first;
    let target = targets.get(link);
    while (!target) {
      if (chain.has(link)) throw unresolved(link);
      chain.add(link);
      const directory = paths.find(link.targetNames);
      const waiting = directory && this.#links.get(directory)?.get(link.targetName);
      target = waiting ? targets.get(waiting) : directory?.children.get(link.targetName);
      if (!waiting && !target) throw unresolved(link);
      if (waiting) link = waiting;
    }
    for (const each of chain) targets.set(each, target);
  }
}

function unresolved(link: PendingLink): ShoalError {
  const target = [...link.targetNames, link.targetName].join('/');
  return new ShoalError('malformed', `${printable(link.path)}: a hard link to ${printable(target)}, which is nowhere`);
}
