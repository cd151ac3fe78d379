// Peers that this node does not speak with for a while. Pure: time is an argument (monotonic ms).

export interface Ban {
  readonly untilMs: number;
  readonly reason: string;
}

/** More than any cluster bans; who comes on top takes the place of the ban that ends first. */
const MAX_BANS = 10_000;

export class Bans {
  readonly #bans = new Map<string, Ban>();

  /** The later end counts. */
  add(peerId: string, ban: Ban, nowMs: number): void {
    const known = this.#bans.get(peerId);
    if (known !== undefined && known.untilMs > ban.untilMs) return;
    this.#bans.set(peerId, ban);
    if (this.#bans.size <= MAX_BANS) return;
    const [first] = this.active(nowMs).toSorted(([, a], [, b]) => a.untilMs - b.untilMs);
    if (first !== undefined && this.#bans.size > MAX_BANS) this.#bans.delete(first[0]);
  }

  get(peerId: string, nowMs: number): Ban | undefined {
    const ban = this.#bans.get(peerId);
    if (ban === undefined || ban.untilMs > nowMs) return ban;
    this.#bans.delete(peerId);
    return undefined;
  }

  active(nowMs: number): (readonly [string, Ban])[] {
    for (const [peerId, ban] of this.#bans) if (ban.untilMs <= nowMs) this.#bans.delete(peerId);
    return [...this.#bans];
  }
}
