// What a scenario is: a start of the image on all nodes at once, and something that goes wrong meanwhile. A scenario draws
// victims, moments and lengths from the stage's chance, so that its seed plays the same again.

import type { Malice } from '../support/swarm/evil-tasks.ts';
import type { OriginFault } from '../support/swarm/origin-faults.ts';
import type { SeededRandom } from '../support/swarm/random.ts';

export interface Scenario {
  readonly name: string;
  /** For the table: what goes wrong. */
  readonly about: string;
  /** Plain daemons have nothing to show in it. */
  readonly needsPeers: boolean;
  /**
   * How long a read may wait after the trouble that stopped it is over, on top of what a calm start makes it wait: the
   * longest back-off of whoever must notice.
   */
  readonly graceMs: number;
  /** A peer that is not one of ours takes part, on the last link. */
  readonly evil?: Malice;
  /** Before the daemons start. */
  prepare?(stage: Stage): Promise<void>;
  /** From time 0, when all nodes mount. Resolves when nothing more will go wrong. */
  play(stage: Stage): Promise<void>;
}

/** What a scenario may do. Nodes are named by their links. */
export interface Stage {
  readonly random: SeededRandom;
  /** Whose bytes are judged, unless a scenario excuses them. */
  readonly nodes: readonly string[];
  readonly hasPeers: boolean;
  /** Compressed bytes of the image. */
  readonly imageBytes: number;
  /** Resolves when the nodes together have read such a part (0 to 1) of all files, or the nodes given of theirs. */
  progress(part: number, nodes?: readonly string[]): Promise<void>;
  pause(ms: number): Promise<void>;
  origin(...faults: readonly OriginFault[]): Promise<void>;
  partition(groups: readonly (readonly string[])[]): Promise<void>;
  heal(): Promise<void>;
  /** The daemon is gone for good; what its readers say no longer counts. */
  kill(node: string): Promise<void>;
  freeze(node: string): void;
  thaw(node: string): void;
  killScheduler(): Promise<void>;
  startScheduler(): Promise<void>;
  /** A disk of its own for the node's cache, before it starts; then another size for it. Bytes. */
  giveDisk(node: string, bytes: number): Promise<void>;
  resizeDisk(node: string, bytes: number): Promise<void>;
  /** Resolves when the node's daemon has failed to store a chunk. */
  storeError(node: string): Promise<void>;
  /** The node does not mount at time 0, but now. */
  delay(node: string): void;
  join(node: string): void;
  /** Trouble begins. For `nodes` (default: all) reads may wait until `end`. Recovery is counted from there. */
  trouble(options: { readonly stopsReads: boolean; readonly nodes?: readonly string[] }): { end(): void };
}
