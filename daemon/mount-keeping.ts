// A mount's part in outliving its daemon: its descriptors go to the holder before they are used, and when all is made, what
// the next daemon needs is written down. Where there is no holder nothing of it happens.

import type { HolderClient } from './holder/holder-client.ts';
import type { MountDirectory } from './mount-directory.ts';
import { type Pieces, type ResumeRecord, writeResumeRecord } from './resume-record.ts';

export type Holder = Pick<HolderClient, 'hold' | 'noteDevice' | 'forget'>;

export class MountKeeping {
  readonly #holder: Holder | undefined;
  readonly #id: string;
  /** The holder has had everything so far. A connection that it has only a part of would lose requests. */
  #isWhole = true;
  #isComplete = false;

  /** `holder`: undefined when this mount is to end with its daemon. */
  constructor(holder: Holder | undefined, id: string) {
    this.#holder = holder;
    this.#id = id;
  }

  get isWanted(): boolean {
    return this.#holder !== undefined;
  }

  /** The next daemon can go on with it. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Further descriptors of the connection: the one that will be mounted before it is, clones before anything is read. */
  async hold(descriptors: readonly number[]): Promise<void> {
    if (this.#holder && !(await this.#holder.hold(this.#id, descriptors))) this.#isWhole = false;
  }

  async noteDevice(device: string): Promise<void> {
    await this.#holder?.noteDevice(this.#id, device);
  }

  /** Before the descriptors are closed here. */
  async forget(): Promise<void> {
    this.#isComplete = false;
    await this.#holder?.forget(this.#id);
  }

  /** Everything is mounted and served. Rejects with `system`. */
  async complete(
    directory: MountDirectory,
    what: { readonly record: Omit<ResumeRecord, 'pieces'>; readonly pieces: Pieces },
    held: AsyncDisposableStack,
  ): Promise<void> {
    if (!this.isWanted || !this.#isWhole) return;
    await writeResumeRecord(directory.path, what.record, what.pieces, held);
    this.#isComplete = true;
  }

  /** An earlier daemon has completed it, and the descriptors are this one's now. */
  adopt(): void {
    this.#isComplete = true;
  }
}
