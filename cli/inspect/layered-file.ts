// One file of an ordinary image, found by reading its layers: what it is, and which of them it comes from.

import { type LayeredTree, readLayeredTree } from '../../converter/index.ts';
import type { DirectoryNode, TreeNode } from '../../image/index.ts';
import type { CommandContext } from '../command.ts';
import { ProgressDisplay } from '../output.ts';
import { creatorOf } from './history.ts';
import type { LookedAtImage } from './open.ts';
import type { LayerName, PathReport } from './path-report.ts';
import { resolvePath, type TreeView, text } from './resolve-path.ts';

export interface LayeredFile extends PathReport {
  /** Absent for a directory that no layer lists. */
  readonly layer?: LayerName;
}

/** Type bits of st_mode, for kinds whose tar entry has only the permissions. */
const TYPE_BITS: Readonly<Record<TreeNode['kind'], number>> = {
  fifo: 0o010000,
  char: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

/** Reads every layer of the image. Throws `not-found` for a path that it does not have. */
export async function findInLayers(
  context: CommandContext,
  image: LookedAtImage,
  path: string,
  options: { readonly follow: boolean },
): Promise<LayeredFile> {
  using display = new ProgressDisplay(context.settings.json);
  const tree = await readLayeredTree(image.source, image.platform, {
    signal: context.signal,
    onBytes: (readBytes, totalBytes) => display.update('layers', { label: 'reading layers', readBytes, totalBytes }),
  });
  const found = resolvePath(layeredTree(tree.root), path, options);
  return reportNode(image, tree, found.node, found.path);
}

function layeredTree(root: DirectoryNode): TreeView<TreeNode> {
  return {
    root,
    isDirectory: node => node.kind === 'directory',
    child: (directory, name) => (directory.kind === 'directory' ? directory.children.get(name) : undefined),
    target: node => (node.kind === 'symlink' ? node.target : undefined),
  };
}

function reportNode(image: LookedAtImage, tree: LayeredTree, node: TreeNode, path: string): LayeredFile {
  const origin = tree.originOf(node);
  const xattrs = [...node.xattrs].map(([name, value]) => [text(name), Buffer.from(value).toString('base64')]);
  return {
    path,
    kind: node.kind,
    mode: TYPE_BITS[node.kind] | node.mode,
    // The tree's own owner is the number of the origin.
    uid: origin?.entry.uid ?? 0,
    gid: node.gid,
    size: node.kind === 'file' ? node.size : node.kind === 'symlink' ? node.target.length : 0,
    mtime: { seconds: node.mtimeSeconds, nanoseconds: node.mtimeNanoseconds },
    ...((node.kind === 'char' || node.kind === 'block') && { device: { major: node.major, minor: node.minor } }),
    ...(node.kind === 'symlink' && { target: text(node.target) }),
    xattrs: Object.fromEntries(xattrs),
    ...(origin && { layer: nameOf(image, tree, origin.layer) }),
  };
}

function nameOf({ config }: LookedAtImage, { layers }: LayeredTree, at: number): LayerName {
  const createdBy = creatorOf(config.history ?? [], layers, at);
  return {
    number: at + 1,
    of: layers.length,
    digest: layers[at]?.digest ?? '',
    ...(createdBy !== undefined && { createdBy }),
  };
}
