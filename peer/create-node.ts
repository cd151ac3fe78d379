// A node of the swarm, put together out of its parts: identity and membership, network, links to schedulers, discovery, and
// the swarm itself.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { fromSystemError, type Logger, messageOf, type PeerNode, ShoalError, type SwarmStatus } from '../core/index.ts';
import { PeerDiscovery } from './discovery/discovery.ts';
import { KnownPeers } from './discovery/known-peers.ts';
import type { CreatePeerNode, PeerAddress, PeerNodeOptions, ServedTasks } from './ports.ts';
import { SchedulerLinks } from './scheduler/schedulers.ts';
import { DEFAULT_SWARM_SETTINGS } from './swarm/config.ts';
import { DiskPieceStore } from './swarm/disk-piece-store.ts';
import { NodeSwarm } from './swarm/swarm.ts';
import { openIdentity } from './transport/identity.ts';
import { Membership } from './transport/membership.ts';
import { MemberNode } from './transport/node.ts';
import type { RecordBytes } from './transport/recording.ts';
import { PeerTransport } from './transport/transport.ts';

/** `record`: for tests of what crosses the network. */
export const createPeerNode: CreatePeerNode & ((options: PeerNodeOptions, record?: RecordBytes) => Promise<PeerNode>) =
  async (options, record?: RecordBytes) => {
    const { clock, log, directory, cluster } = options;
    const schedulers = options.schedulers.map(schedulerAddress);
    const identity = await openIdentity(directory);
    const membership = await Membership.open({
      peerId: identity.peerId,
      role: 'peer',
      clusterKeyFile: cluster.keyFile,
      certificateFile: cluster.certificateFile,
      revocationsFile: cluster.revocationsFile,
      clock,
      log,
    });
    const known = await KnownPeers.open(join(directory, 'known-peers.json'), { clock, log });
    const store = new DiskPieceStore(
      { clock, log },
      { ...DEFAULT_SWARM_SETTINGS, folder: await pieceFolder(directory), storeBytes: options.pieceCacheBytes },
    );
    const { listen, announce } = options;
    const node = await MemberNode.start({
      identity,
      membership,
      listen,
      announce,
      dht: 'server',
      clock,
      log,
      ...(record && { record }),
    });
    try {
      return await PeerParts.start(options, { node, known, store, schedulers });
    } catch (error) {
      await node.stop();
      throw error;
    }
  };

interface Beginnings {
  readonly node: MemberNode;
  readonly known: KnownPeers;
  readonly store: DiskPieceStore;
  readonly schedulers: readonly PeerAddress[];
}

class PeerParts implements PeerNode {
  readonly swarm: NodeSwarm;
  readonly #node: MemberNode;
  readonly #transport: PeerTransport;
  readonly #links: SchedulerLinks;
  readonly #discovery: PeerDiscovery;
  readonly #log: Logger;
  #stopped: Promise<void> | undefined;

  private constructor(
    options: PeerNodeOptions,
    parts: Beginnings & { readonly transport: PeerTransport; readonly onSwarm: (swarm: NodeSwarm) => void },
  ) {
    const { node, known, store, schedulers, transport } = parts;
    const { clock, log } = options;
    const { libp2p } = node;
    this.#log = log;
    this.#node = node;
    this.#transport = transport;
    this.#links = new SchedulerLinks(
      { node: libp2p, clock, log, load: () => transport.load },
      {
        schedulers,
        name: options.name,
        region: options.location.region ?? '',
        zone: options.location.zone ?? '',
        rack: options.location.rack ?? '',
        isSeed: false,
        uploadSlots: options.uploadSlots,
        version: options.version,
      },
    );
    this.#discovery = new PeerDiscovery(
      { node: libp2p, dht: libp2p.services.dht, known, clock, log },
      { bootstrap: options.bootstrap },
    );
    this.swarm = new NodeSwarm({
      network: transport,
      schedulers: this.#links,
      discovery: this.#discovery,
      store,
      clock,
      log,
    });
    parts.onSwarm(this.swarm);
    this.#links.start();
    this.#discovery.start();
  }

  static async start(options: PeerNodeOptions, parts: Beginnings): Promise<PeerParts> {
    const { node } = parts;
    const { clock, log, uploadSlots, uploadBytesPerSecond } = options;
    // The upload side serves what the swarm has, and the swarm asks by way of the network: one has to come first.
    let swarm: NodeSwarm | undefined;
    const tasks: ServedTasks = { find: taskId => swarm?.find(taskId) };
    const transport = await PeerTransport.start({ node, tasks, uploadSlots, uploadBytesPerSecond, clock, log });
    try {
      return new PeerParts(options, { ...parts, transport, onSwarm: made => (swarm = made) });
    } catch (error) {
      await transport.stop();
      throw error;
    }
  }

  status(): SwarmStatus {
    const { tasks, counters } = this.swarm.status();
    return {
      peerId: this.#node.peerId,
      addresses: this.#node.addresses,
      certificateExpiresAt: this.#node.membership.certificate.notAfter * 1000,
      schedulers: this.#links.status(),
      peers: this.#transport.peers().map(peer => ({ ...peer, wrongPieces: this.swarm.wrongPiecesOf(peer.peerId) })),
      tasks: tasks.map(task => ({
        taskId: task.taskId,
        digest: task.digest,
        pieceCount: task.pieceCount,
        pieces: task.pieces,
        chunkPieces: task.chunks,
        peers: task.parents.filter(({ phase }) => phase === 'open').length,
        leases: task.leased,
        scheduled: task.hasScheduler,
      })),
      counters: {
        bytesFromPeers: counters.peerBytes,
        bytesFromOrigin: counters.originBytes,
        bytesSent: this.#transport.sentBytes,
        wrongPieces: counters.wrongPieces,
        hedges: counters.hedges,
      },
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Readers first, then what they wait for, the network last. */
  async #stop(): Promise<void> {
    this.swarm.close();
    const ended = await Promise.allSettled([this.#links.stop(), this.#discovery.stop(), this.#transport.stop()]);
    for (const end of ended) {
      if (end.status === 'rejected')
        this.#log.warn('a part of the swarm did not end well', { error: messageOf(end.reason) });
    }
    await this.#node.stop();
  }
}

/** Kept pieces are in files without a name: whatever lies here is of nobody. */
async function pieceFolder(directory: string): Promise<string> {
  const folder = join(directory, 'pieces');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, `create ${folder}`);
  }
  return folder;
}

function schedulerAddress(text: string): PeerAddress {
  let parsed: Multiaddr;
  try {
    parsed = multiaddr(text);
  } catch (error) {
    throw new ShoalError('usage', `scheduler ${text}: ${messageOf(error)}`, { cause: error });
  }
  const peerId = parsed.getComponents().findLast(({ name }) => name === 'p2p')?.value;
  if (peerId === undefined) throw new ShoalError('usage', `scheduler ${text}: expected /p2p/ID at the end`);
  return { peerId, addresses: [text] };
}
