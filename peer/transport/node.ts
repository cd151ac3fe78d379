// The libp2p node of a peer or a scheduler, with every limit set on purpose. Members only (handshake.ts); who is banned,
// revoked or expired is shown the door, also when connected already. The command line makes one for `shoal scheduler`, too.

import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { type Identify, identify } from '@libp2p/identify';
import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import { type KadDHT, kadDHT } from '@libp2p/kad-dht';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { type Clock, fromSystemError, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import type { MemberCertificate } from '../../proto/index.ts';
import { dhtSettings } from '../discovery/dht-settings.ts';
import { type Ban, Bans } from './bans.ts';
import { membersOnly, type TurnedAway } from './handshake.ts';
import type { Identity } from './identity.ts';
import { LateIdentify } from './late-identify.ts';
import type { Membership } from './membership.ts';
import type { RecordBytes } from './recording.ts';
import { Repeats } from './repeats.ts';
import { withFewerWindowUpdates } from './window-updates.ts';

/** Bytes of a stream under way before the other side must have said that it got some; also the least that both start with. */
const STREAM_WINDOW_BYTES = 1 << 20;
/** Window of a fast and long link: what one stream may hold of our memory when its reader pauses. */
const MAX_STREAM_WINDOW_BYTES = 4 << 20;
/** Streams that the other end of one connection may have open: pieces, scheduler, ping, identify, DHT queries. */
const MAX_STREAMS_OF_CONNECTION = 256;
/** A flash crowd comes at once, and behind NAT from one host. libp2p's defaults are 5 per second and host, and 10. */
const INBOUND_PER_SECOND_AND_HOST = 200;
const MAX_PENDING_INBOUND = 200;
const DIAL_MS = 10_000;
const ADDRESS_DIAL_MS = 5_000;
const UPGRADE_MS = 10_000;
/**
 * The monitor aborts a connection whose ping is late, or that cannot begin because the last one has not ended: libp2p takes
 * one of its streams at a time. On a saturated link a ping waits behind a lot, so the next comes after it has had its time.
 * (Every 10 s it ended just those connections by which a start got its pieces.) Where an answer is owed, silence is noticed
 * much sooner: parent-link.ts, upload/, the scheduler's own pings.
 */
export const PING_INTERVAL_MS = 65_000;
export const PING_MS = { minTimeout: 60_000, maxTimeout: 60_000 };
/** Nobody sends anything for so long only when it is not there: pings go every 65 s, yamux' own every 30. */
const SOCKET_IDLE_MS = 120_000;
/** Peers are remembered by the swarm and the DHT; libp2p's own book is short. */
const MAX_ADDRESS_AGE_MS = 600_000;
const MAX_PEER_AGE_MS = 3_600_000;
const SWEEP_MS = 15_000;
const STOP_MS = 5_000;

type Services = { identify: Identify; ping: Ping; dht: KadDHT };
export type MemberLibp2p = Libp2p<Services>;

export interface NodeOptions {
  readonly identity: Identity;
  readonly membership: Membership;
  /** Multiaddrs. Port 0: any. */
  readonly listen: readonly string[];
  /** Multiaddrs that others are told; empty: those that the system says it listens on. */
  readonly announce?: readonly string[];
  /** Connections in all; beyond that the least useful are closed. Peers have 300 unless said; schedulers need one per node. */
  readonly maxConnections?: number;
  /** server: answers queries, and is found. */
  readonly dht?: 'client' | 'server';
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests of what crosses the network. */
  readonly record?: RecordBytes;
}

const DEFAULT_MAX_CONNECTIONS = 300;

export class MemberNode {
  readonly libp2p: MemberLibp2p;
  readonly membership: Membership;
  readonly #state: NodeState;
  readonly #stop = new AbortController();
  readonly #sweeping: Promise<void>;
  readonly #lateIdentify: LateIdentify;
  readonly #unlisten: () => void;
  #stopped: Promise<void> | undefined;

  private constructor(libp2p: MemberLibp2p, state: NodeState) {
    this.libp2p = libp2p;
    this.membership = state.options.membership;
    this.#state = state;
    const unlisten = this.membership.onRevoked(() => this.#closeOutsiders());
    const late = new LateIdentify({
      identify: connection => libp2p.services.identify.identify(connection),
      clock: state.options.clock,
    });
    this.#lateIdentify = late;
    const onOpen = ({ detail }: CustomEvent<Connection>) => {
      // Between a handshake and its connection somebody may have been banned.
      if (this.#closeIfOutsider(detail)) return;
      late.opened(detail);
    };
    const onClose = ({ detail }: CustomEvent<Connection>) => late.closed(detail);
    libp2p.addEventListener('connection:open', onOpen);
    libp2p.addEventListener('connection:close', onClose);
    this.#unlisten = () => {
      unlisten();
      libp2p.removeEventListener('connection:open', onOpen);
      libp2p.removeEventListener('connection:close', onClose);
    };
    this.#sweeping = this.#sweep();
  }

  /**
   * Resolves when it listens. Rejects with `busy` when an address is taken, `usage` when it is no address of ours, and
   * `system` for whatever else libp2p has to say.
   */
  static async start(options: NodeOptions): Promise<MemberNode> {
    const state = new NodeState(options);
    const libp2p = await createNode(options, state).catch(error => {
      throw asStartError(error, options.listen);
    });
    return new MemberNode(libp2p, state);
  }

  get peerId(): string {
    return this.membership.peerId;
  }

  /** Multiaddrs, with the peer id, that others may dial. */
  get addresses(): string[] {
    return this.libp2p.getMultiaddrs().map(String);
  }

  /** What a connected peer's certificate says. */
  memberOf(peerId: string): MemberCertificate | undefined {
    return this.#state.members.get(peerId)?.member;
  }

  /** Closes connections with the peer, refuses new ones until then (monotonic ms). */
  ban(peerId: string, untilMs: number, reason: string): void {
    const { clock, log } = this.#state.options;
    this.#state.bans.add(peerId, { untilMs, reason }, clock.monotonic());
    log.warn('peer banned', { peer: peerId, seconds: Math.round((untilMs - clock.monotonic()) / 1000), reason });
    this.#closeOutsiders();
  }

  banOf(peerId: string): Ban | undefined {
    return this.#state.bans.get(peerId, this.#state.options.clock.monotonic());
  }

  bans(): (readonly [string, Ban])[] {
    return this.#state.bans.active(this.#state.options.clock.monotonic());
  }

  /** Reads certificate and revocations again; happens by itself every 15 s when a file has changed. */
  async reload(): Promise<void> {
    await this.membership.reload();
    this.#closeOutsiders();
  }

  /** Ends all connections; resolves within seconds. Idempotent; never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    const { clock, log } = this.#state.options;
    this.#stop.abort();
    this.#unlisten();
    await this.#sweeping;
    const identified = this.#lateIdentify.stop();
    const waited = new AbortController();
    const late = clock.sleep(STOP_MS, { signal: waited.signal }).then(
      () => log.warn('libp2p did not stop in time', { ms: STOP_MS }),
      () => {},
    );
    const ended = Promise.resolve(this.libp2p.stop()).catch(error => log.warn('libp2p', { reason: messageOf(error) }));
    await Promise.race([Promise.all([ended, identified]), late]);
    waited.abort();
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#state.options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(SWEEP_MS, { signal: this.#stop.signal }).catch(() => {});
      if (!this.#stop.signal.aborted) await this.reload();
    }
  }

  #closeOutsiders(): void {
    const connections = this.libp2p.getConnections();
    for (const connection of connections) this.#closeIfOutsider(connection);
    this.#state.forget(new Set(connections.map(({ remotePeer }) => remotePeer.toString())));
  }

  /** Returns whether it was closed. */
  #closeIfOutsider(connection: Connection): boolean {
    const peer = connection.remotePeer.toString();
    const member = this.memberOf(peer);
    const reason = this.#state.reasonAgainst(peer) ?? (member && this.membership.reasonAgainst(member));
    if (reason === undefined) return false;
    this.#state.options.log.warn('connection closed', { peer, address: connection.remoteAddr.toString(), reason });
    connection.abort(new ShoalError('unauthorized', reason));
    return true;
  }
}

/** What handshakes, gater and node know together. */
class NodeState {
  readonly options: NodeOptions;
  readonly bans = new Bans();
  readonly members = new Map<string, { readonly member: MemberCertificate; readonly sinceMs: number }>();
  readonly #repeats: Repeats;

  constructor(options: NodeOptions) {
    this.options = options;
    this.#repeats = new Repeats(options.clock);
  }

  reasonAgainst(peerId: string): string | undefined {
    const { clock, membership } = this.options;
    const ban = this.bans.get(peerId, clock.monotonic());
    if (ban !== undefined) {
      return `peer ${peerId} is banned for another ${Math.ceil((ban.untilMs - clock.monotonic()) / 1000)} s: ${ban.reason}`;
    }
    return membership.isRevoked(peerId) ? `peer ${peerId} was revoked` : undefined;
  }

  onTurnedAway({ peerId, address, direction, reason }: TurnedAway): void {
    const { log } = this.options;
    const fields = { peer: peerId ?? 'not known', address, reason };
    const message = direction === 'inbound' ? 'connection turned away' : 'connection not made';
    // Who is turned away may come again and again: once a minute is enough to be told.
    if (this.#repeats.isNew(`${peerId ?? address} ${reason}`)) log.warn(message, fields);
    else log.debug(message, fields);
  }

  welcome(member: MemberCertificate): void {
    this.members.set(member.peerId, { member, sinceMs: this.options.clock.monotonic() });
  }

  /** Those who left; whose handshake has only just ended may be about to be connected. */
  forget(connected: ReadonlySet<string>): void {
    const before = this.options.clock.monotonic() - UPGRADE_MS;
    for (const [peerId, { sinceMs }] of this.members) {
      if (!connected.has(peerId) && sinceMs < before) this.members.delete(peerId);
    }
  }
}

async function createNode(options: NodeOptions, state: NodeState): Promise<MemberLibp2p> {
  const denies = (peer: PeerId) => state.reasonAgainst(peer.toString()) !== undefined;
  const node = await createLibp2p<Services>({
    privateKey: options.identity.privateKey,
    nodeInfo: { name: 'shoal', userAgent: 'shoal' },
    // The list of others is what they say of themselves: nobody is told the addresses that somebody saw us at.
    addresses: { listen: [...options.listen], announce: [...(options.announce ?? [])], maxObservedAddresses: 0 },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: SOCKET_IDLE_MS,
        outboundSocketInactivityTimeout: SOCKET_IDLE_MS,
        dialOpts: { noDelay: true },
        listenOpts: { noDelay: true },
      }),
    ],
    connectionEncrypters: [
      membersOnly(noise(), {
        membership: options.membership,
        reasonAgainst: peerId => state.reasonAgainst(peerId),
        onMember: member => state.welcome(member),
        onTurnedAway: event => state.onTurnedAway(event),
        record: options.record,
      }),
    ],
    streamMuxers: [
      withFewerWindowUpdates(
        yamux({
          maxInboundStreams: MAX_STREAMS_OF_CONNECTION,
          maxOutboundStreams: MAX_STREAMS_OF_CONNECTION,
          streamOptions: {
            initialStreamWindowSize: STREAM_WINDOW_BYTES,
            maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES,
            maxReadBufferLength: MAX_STREAM_WINDOW_BYTES,
          },
        }),
      ),
    ],
    connectionGater: { denyDialPeer: denies, denyDialMultiaddr: () => false },
    connectionManager: {
      maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      inboundConnectionThreshold: INBOUND_PER_SECOND_AND_HOST,
      maxIncomingPendingConnections: MAX_PENDING_INBOUND,
      dialTimeout: DIAL_MS,
      addressDialTimeout: ADDRESS_DIAL_MS,
      inboundUpgradeTimeout: UPGRADE_MS,
      // Who is to be connected is decided by those who hold links; libp2p's own attempts end after five.
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: PING_INTERVAL_MS, pingTimeout: PING_MS },
    peerStore: { maxAddressAge: MAX_ADDRESS_AGE_MS, maxPeerAge: MAX_PEER_AGE_MS },
    services: {
      identify: identify({ runOnConnectionOpen: false }), // late-identify.ts does it
      ping: ping(),
      // The mode left out it would be client until a public address is seen.
      dht: kadDHT({ ...dhtSettings, clientMode: options.dht !== 'server' }),
    },
  });
  return node;
}

function asStartError(error: unknown, listen: readonly string[]): ShoalError {
  const where = `listen on ${listen.join(', ')}`;
  const message = messageOf(error);
  if (/EADDRINUSE/.test(message)) return new ShoalError('busy', `${where}: ${message}`, { cause: error });
  if (error instanceof Error && /Multiaddr|ListenAddress|Unsupported/.test(error.name)) {
    return new ShoalError('usage', `${where}: ${message}`, { cause: error });
  }
  return fromSystemError(error, where);
}
