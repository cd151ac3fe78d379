// What a holder holds: for each mount the descriptors of its FUSE connection. Bounded; a descriptor that comes in is either
// kept here or closed.

import { closeSync } from 'node:fs';
import { MAX_MOUNTS, Result } from './protocol.ts';
import { endedConnections, MAX_DESCRIPTORS } from './unix-socket.ts';

interface Held {
  readonly descriptors: number[];
  device: number;
}

export class HeldConnections {
  readonly #held = new Map<string, Held>();

  get size(): number {
    return this.#held.size;
  }

  get ids(): readonly string[] {
    return [...this.#held.keys()];
  }

  get(id: string): { readonly descriptors: readonly number[]; readonly device: number } | undefined {
    return this.#held.get(id);
  }

  /** Takes the descriptors over. */
  hold(id: string, descriptors: readonly number[]): Result {
    const held = this.#held.get(id) ?? { descriptors: [], device: 0 };
    const isFull = held.descriptors.length + descriptors.length > MAX_DESCRIPTORS;
    if (isFull || (held.descriptors.length === 0 && this.#held.size >= MAX_MOUNTS)) {
      for (const descriptor of descriptors) closeSync(descriptor);
      return Result.FULL;
    }
    if (descriptors.length === 0) return Result.REFUSED;
    held.descriptors.push(...descriptors);
    this.#held.set(id, held);
    return Result.DONE;
  }

  noteDevice(id: string, device: number): Result {
    const held = this.#held.get(id);
    if (held === undefined) return Result.UNKNOWN;
    held.device = device;
    return Result.DONE;
  }

  forget(id: string): Result {
    const held = this.#held.get(id);
    if (held === undefined) return Result.UNKNOWN;
    this.#held.delete(id);
    for (const descriptor of held.descriptors) closeSync(descriptor);
    return Result.DONE;
  }

  /** With no daemon there: forgets the mounts whose connections have ended, or were never mounted. */
  forgetEnded(): void {
    const ended = endedConnections([...this.#held.values()].flatMap(({ descriptors }) => descriptors.slice(0, 1)));
    for (const [id, { descriptors }] of this.#held) if (ended.has(descriptors[0] ?? -1)) this.forget(id);
  }
}
