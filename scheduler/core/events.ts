// What goes into the scheduler's core and what comes out of it. The server around it (scheduler/) turns messages of
// streams into these events, and these effects into messages; the core sees no socket and no clock.

import type { NodeMessageProperties, SchedulerMessageProperties } from '../../proto/index.ts';

/** `connection` is a number of the server's choice, never used again: a late `gone` of an old connection harms nobody. */
export type SchedulerEvent =
  | {
      readonly kind: 'connected';
      readonly connection: number;
      /** libp2p peer id, proved by the encryption: in bytes, as messages have it, and in text, as people read it. */
      readonly peerId: Uint8Array;
      readonly name: string;
    }
  | { readonly kind: 'gone'; readonly connection: number }
  /** The network takes nothing more for the node, or does again. What is to be said meanwhile is kept as its newest state. */
  | { readonly kind: 'blocked' | 'flowing'; readonly connection: number }
  /** Decoded, not checked: every value in it is the node's word, and checked here. Its buffers are not kept. */
  | { readonly kind: 'message'; readonly connection: number; readonly message: NodeMessageProperties }
  /** Time passed: leases expire, waits are looked at again. Some ten times a second. */
  | { readonly kind: 'tick' }
  /**
   * Grants leases and hands out what was collected for the nodes, a bounded part of it. `batchIntervalMs` says how often; when
   * the core is behind after it, another may follow at once.
   */
  | { readonly kind: 'flush' };

export type SchedulerEffect =
  /** Encode at once, before the next event: bitmaps in it are the core's own, and change. */
  | { readonly kind: 'send'; readonly connection: number; readonly message: SchedulerMessageProperties }
  /** To every connected node. */
  | { readonly kind: 'broadcast'; readonly message: SchedulerMessageProperties }
  /** The core has forgotten the node already; no `gone` is needed. */
  | { readonly kind: 'close'; readonly connection: number; readonly reason: string }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };
