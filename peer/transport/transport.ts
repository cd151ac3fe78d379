// Everything between this node and other peers, put together: links to parents, the upload side for children, bans, and
// what `shoal peers` shows of them.

import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { type Clock, type Logger, ShoalError } from '../../core/index.ts';
import { PIECES_PROTOCOL } from '../../proto/index.ts';
import type { ParentLink, PeerAddress, PeerNetwork, ServedTasks } from '../ports.ts';
import { Links } from './links.ts';
import type { MemberNode } from './node.ts';
import { type PeerTraffic, Traffic } from './traffic.ts';
import { UploadSide } from './upload/upload-side.ts';

export interface TransportOptions {
  readonly node: MemberNode;
  readonly tasks: ServedTasks;
  /** Pieces being sent at once. */
  readonly uploadSlots: number;
  /** Absent: as fast as the network takes them. */
  readonly uploadBytesPerSecond?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is known of a peer that is connected or banned. */
export interface PeerReport extends PeerTraffic {
  readonly peerId: string;
  /** Multiaddr of the connection, and who made it; absent: not connected. */
  readonly address?: string | undefined;
  readonly direction?: 'inbound' | 'outbound' | undefined;
  /** Pieces that wait there to be sent, for all its children; absent: there is no link to it. */
  readonly queue?: number | undefined;
  /** Requests of it that wait here. */
  readonly waiting: number;
  /** Wall time, ms since 1970. */
  readonly bannedUntil?: number | undefined;
  readonly banReason?: string | undefined;
  readonly certificateExpiresAt?: number | undefined;
}

const TEND_MS = 1_000;
/** A child has one; another may be there before the end of an old one is known. */
const MAX_STREAMS_OF_CHILD = 4;

export class PeerTransport implements PeerNetwork {
  readonly peerId: string;
  readonly #options: TransportOptions;
  readonly #traffic: Traffic;
  readonly #links: Links;
  readonly #upload: UploadSide;
  readonly #stop = new AbortController();
  readonly #tending: Promise<void>;
  #stopped: Promise<void> | undefined;

  private constructor(options: TransportOptions) {
    const { node, tasks, clock, log } = options;
    this.peerId = node.peerId;
    this.#options = options;
    this.#traffic = new Traffic(clock);
    this.#links = new Links({ libp2p: node.libp2p, clock, log, traffic: this.#traffic });
    this.#upload = new UploadSide({
      peerId: node.peerId,
      tasks,
      slots: options.uploadSlots,
      bytesPerSecond: options.uploadBytesPerSecond,
      clock,
      log,
      traffic: this.#traffic,
    });
    node.libp2p.addEventListener('peer:connect', this.#onConnect);
    this.#tending = this.#tend();
  }

  static async start(options: TransportOptions): Promise<PeerTransport> {
    const transport = new PeerTransport(options);
    await options.node.libp2p.handle(PIECES_PROTOCOL, (stream, connection) => transport.#onStream(stream, connection), {
      maxInboundStreams: MAX_STREAMS_OF_CHILD,
    });
    return transport;
  }

  /** Pieces that wait here to be sent, and upload slots that are free. */
  get load(): { readonly queueLength: number; readonly freeSlots: number } {
    return { queueLength: this.#upload.queueLength, freeSlots: this.#upload.freeSlots };
  }

  /** Bytes of pieces and chunks that all children were sent since this node started. */
  get sentBytes(): number {
    return this.#traffic.sentBytes;
  }

  link(peer: PeerAddress): ParentLink {
    return this.#links.hold(peer);
  }

  ban(peerId: string, untilMs: number, reason: string): void {
    this.#options.node.ban(peerId, untilMs, reason);
  }

  /** Connected peers, and banned ones. Plain data. */
  peers(): PeerReport[] {
    const { node, clock } = this.#options;
    const connections = new Map(node.libp2p.getConnections().map(each => [each.remotePeer.toString(), each]));
    const bans = new Map(node.bans());
    const wallMs = clock.now() - clock.monotonic();
    return [...new Set([...connections.keys(), ...bans.keys()])].map(peerId => {
      const connection = connections.get(peerId);
      const ban = bans.get(peerId);
      const member = node.memberOf(peerId);
      return {
        peerId,
        ...(connection && { address: connection.remoteAddr.toString(), direction: connection.direction }),
        queue: this.#links.queueOf(peerId),
        waiting: this.#upload.waitingOf(peerId),
        ...this.#traffic.of(peerId),
        ...(ban && { bannedUntil: Math.round(wallMs + ban.untilMs), banReason: ban.reason }),
        ...(member && { certificateExpiresAt: member.notAfter * 1000 }),
      };
    });
  }

  /** Ends links and children; the node is its owner's. Idempotent, never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    const { libp2p } = this.#options.node;
    this.#stop.abort();
    libp2p.removeEventListener('peer:connect', this.#onConnect);
    await libp2p.unhandle(PIECES_PROTOCOL).catch(() => {});
    this.#upload.stop();
    await this.#links.stop();
    await this.#tending;
  }

  async #tend(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(TEND_MS, { signal: this.#stop.signal }).catch(() => {});
      this.#links.tend();
      this.#upload.tend();
    }
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>) => this.#links.onConnected(detail.toString());

  #onStream(stream: Stream, connection: Connection): void {
    const { node, log } = this.#options;
    const peer = connection.remotePeer.toString();
    const roles = node.memberOf(peer)?.roles ?? [];
    if (roles.includes('peer') && !this.#stop.signal.aborted) {
      this.#upload.accept(stream, connection);
      return;
    }
    const reason = `the certificate is for ${roles.join(', ') || 'nothing'}, expected peer`;
    log.warn('pieces refused', { peer, reason });
    stream.abort(new ShoalError('unauthorized', reason));
  }
}
