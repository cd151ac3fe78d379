// Connected nodes by peer id. Reports name a few peers each, so no text is made of an id to find its node.

import type { NodeState } from './node.ts';

export class PeerIndex {
  /** By the last four bytes of the id, which are a key's or a hash's: two nodes that share them are rare, and listed. */
  readonly #byTail = new Map<number, NodeState | NodeState[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(peerId: Uint8Array | null | undefined): NodeState | undefined {
    if (!peerId) return undefined;
    const found = this.#byTail.get(tailOf(peerId));
    if (found === undefined) return undefined;
    if (!Array.isArray(found)) return isEqual(found.peerId, peerId) ? found : undefined;
    return found.find(node => isEqual(node.peerId, peerId));
  }

  /** There must be none of the same id. */
  add(node: NodeState): void {
    const tail = tailOf(node.peerId);
    const found = this.#byTail.get(tail);
    this.#byTail.set(tail, found === undefined ? node : [node].concat(found));
    this.#size++;
  }

  delete(node: NodeState): void {
    const tail = tailOf(node.peerId);
    const found = this.#byTail.get(tail);
    if (Array.isArray(found) && found.length > 1) {
      this.#byTail.set(
        tail,
        found.filter(other => other !== node),
      );
    } else this.#byTail.delete(tail);
    this.#size--;
  }
}

function tailOf(id: Uint8Array): number {
  const end = id.length;
  return (id[end - 1] ?? 0) | ((id[end - 2] ?? 0) << 8) | ((id[end - 3] ?? 0) << 16) | ((id[end - 4] ?? 0) << 24);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
