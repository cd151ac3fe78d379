// This node as a child: its links to parents, one for each peer, shared by all who ask, and ended when the last gives it back.

import type { ParentLink, PeerAddress } from '../ports.ts';
import { type LinkPorts, PeerLink } from './parent-link.ts';

interface Held {
  readonly link: PeerLink;
  holds: number;
}

export class Links {
  readonly #ports: LinkPorts;
  readonly #links = new Map<string, Held>();
  readonly #ending = new Set<Promise<void>>();

  constructor(ports: LinkPorts) {
    this.#ports = ports;
  }

  hold(peer: PeerAddress): ParentLink {
    const { peerId, addresses } = peer;
    const held = this.#links.get(peerId) ?? { link: new PeerLink(peer, this.#ports), holds: 0 };
    this.#links.set(peerId, held);
    held.holds++;
    held.link.addAddresses(addresses);
    let isHeld = true;
    return {
      peerId,
      get isUp() {
        return held.link.isUp;
      },
      get receivedBytes() {
        return held.link.receivedBytes;
      },
      open: (task, events) => held.link.open(task, events),
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--held.holds === 0) this.#end(peerId, held.link);
      },
    };
  }

  /** A connection with the peer has come about, whoever made it. */
  onConnected(peerId: string): void {
    const held = this.#links.get(peerId);
    if (held !== undefined && !held.link.isUp) held.link.poke();
  }

  queueOf(peerId: string): number | undefined {
    const link = this.#links.get(peerId)?.link;
    return link?.isUp ? link.queue : undefined;
  }

  tend(): void {
    for (const { link } of this.#links.values()) link.tend();
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    for (const [peerId, { link }] of this.#links) this.#end(peerId, link);
    await Promise.all(this.#ending);
  }

  #end(peerId: string, link: PeerLink): void {
    this.#links.delete(peerId);
    const ending = link.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
