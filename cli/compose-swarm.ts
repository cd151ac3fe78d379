// The swarm's part of the composition: makes the daemon's view of the peers out of the configuration, if there is any.

import { hostname } from 'node:os';
import type { PeerNode, Swarm } from '../core/index.ts';
import { systemClock } from '../core/index.ts';
import type { Peers } from '../daemon/index.ts';
import { type CreatePeerNode, type PeerNodeOptions, PeerSource } from '../peer/index.ts';
import type { CommandContext } from './command.ts';
import type { PeerSettings } from './settings.ts';
import { VERSION } from './version.ts';

/** The peers of one daemon: what it starts, and what is shared with those who open images for it. */
export class DaemonPeers implements Peers {
  readonly #context: CommandContext;
  readonly #settings: PeerSettings;
  readonly #create: () => Promise<CreatePeerNode>;
  #node: PeerNode | undefined;

  /** `create`: loads libp2p, which takes as long as a small daemon's start. */
  constructor(context: CommandContext, settings: PeerSettings, create: () => Promise<CreatePeerNode>) {
    this.#context = context;
    this.#settings = settings;
    this.#create = create;
  }

  /** Undefined until the daemon has started it. */
  get swarm(): Swarm | undefined {
    return this.#node?.swarm;
  }

  async start(): Promise<PeerNode> {
    const create = await this.#create();
    const node = await create(peerNodeOptions(this.#context, this.#settings));
    this.#node = node;
    const { peerId, addresses } = node.status();
    this.#context.log.info('this node takes part in the swarm', { peerId, addresses });
    return node;
  }

  chunkSource(find: ConstructorParameters<typeof PeerSource>[0]): PeerSource {
    return new PeerSource(find);
  }
}

export function peerNodeOptions(context: CommandContext, settings: PeerSettings): PeerNodeOptions {
  const { cluster, peerDirectory } = context.settings;
  return {
    ...settings,
    cluster,
    clock: systemClock,
    log: context.log,
    directory: peerDirectory,
    name: hostname(),
    version: VERSION,
  };
}
