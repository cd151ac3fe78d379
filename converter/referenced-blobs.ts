// Leaves out blobs that no file of the finished tree needs, because upper layers hid everything in them: nobody should
// have to fetch them. The other blobs move up, so the files' references change.

import type { DirectoryNode, FileNode, TreeNode } from '../image/index.ts';

/** Positions in `blobCount` blobs that files refer to, ascending. References are rewritten to positions in this list. */
export function keepReferencedBlobs(root: DirectoryNode, blobCount: number): readonly number[] {
  const used = new Set<number>();
  for (const { chunks } of filesOf(root)) for (let i = 0; i < chunks.length; i += 2) used.add(chunks[i] ?? 0);
  const kept = [...used].sort((a, b) => a - b);
  if (kept.length === blobCount) return kept;
  const positions = new Map(kept.map((blob, position) => [blob, position]));
  for (const { chunks } of new Set(filesOf(root))) {
    for (let i = 0; i < chunks.length; i += 2) chunks[i] = positions.get(chunks[i] ?? 0) ?? 0;
  }
  return kept;
}

/** All files of a tree, each under each of its names. */
function* filesOf(root: DirectoryNode): Generator<FileNode> {
  const ahead: TreeNode[] = [root];
  for (let node = ahead.pop(); node; node = ahead.pop()) {
    if (node.kind === 'file') yield node;
    else if (node.kind === 'directory') for (const child of node.children.values()) ahead.push(child);
  }
}
