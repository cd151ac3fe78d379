// What a FUSE connection shows: the port between the server of the kernel's requests (request-server.ts) and its two node
// providers, the tree of an image (tree-nodes.ts) and its devices (device-nodes.ts).

import type { BootstrapReader } from '../../image/index.ts';

/** Bytes of the reply's body (0 or more), or a negative errno, or NO_ANSWER. */
export type Answer = number;
export const NO_ANSWER = Number.MIN_SAFE_INTEGER;

/** One for each thread. Nodes are known by nid; `rootNid` is the root's. Throws `malformed` for damaged images. */
export interface NodeProvider extends Pick<BootstrapReader, 'rootNid' | 'hasXattrs' | 'lookup' | 'stat'> {
  /**
   * Answers what only one of them is asked: a tree for lists, links and extended attributes, a device when it is opened.
   * `length` is the request's. Undefined: not one of these.
   */
  answer?(operation: number, nid: number, length: number): Answer | undefined;
}
