// A scheduler that a test plays: real streams, and it says what the test makes it say.

import type { Libp2p, Stream } from '@libp2p/interface';
import {
  MAX_SCHEDULER_MESSAGE_BYTES,
  MessageStream,
  type NodeMessageProperties,
  SCHEDULER_PROTOCOL,
  type SchedulerMessageProperties,
  schedulerCodec,
} from '../../proto/index.ts';
import { until } from './until.ts';

export class StubNode {
  readonly stream: Stream;
  readonly peerId: string;
  readonly got: NodeMessageProperties[] = [];
  readonly messages: MessageStream<SchedulerMessageProperties, NodeMessageProperties>;
  isGone = false;

  constructor(stream: Stream, peerId: string, { welcomes, pongs }: StubOptions) {
    this.stream = stream;
    this.peerId = peerId;
    const bounds = { maxMessageBytes: MAX_SCHEDULER_MESSAGE_BYTES, maxBodyBytes: 0, maxUnsentBytes: 16 << 20 };
    this.messages = new MessageStream(stream, schedulerCodec, bounds, {
      onMessage: message => {
        this.got.push(message);
        if (message.hello && welcomes) this.say({ welcome: { reportIntervalMs: 50 } });
        if (message.ping && pongs) this.say({ pong: {} });
      },
      onEnd: () => {
        this.isGone = true;
      },
    });
  }

  say(message: SchedulerMessageProperties): void {
    this.messages.send(message);
  }

  /** The messages of a kind so far. */
  of<K extends keyof NodeMessageProperties>(kind: K): NonNullable<NodeMessageProperties[K]>[] {
    return this.got.map(message => message[kind]).filter(part => part !== undefined && part !== null);
  }

  async next<K extends keyof NodeMessageProperties>(kind: K, at = 0): Promise<NonNullable<NodeMessageProperties[K]>> {
    await until(() => this.of(kind).length > at, `message ${at} of kind ${kind}`);
    const part = this.of(kind)[at];
    if (part === undefined) throw new Error('cannot be');
    return part;
  }
}

export interface StubOptions {
  readonly welcomes: boolean;
  readonly pongs: boolean;
}

export class StubScheduler {
  readonly node: Libp2p;
  /** Streams, in the order in which they came. */
  readonly streams: StubNode[] = [];

  private constructor(node: Libp2p) {
    this.node = node;
  }

  static async on(node: Libp2p, options: Partial<StubOptions> = {}): Promise<StubScheduler> {
    const stub = new StubScheduler(node);
    const all = { welcomes: true, pongs: true, ...options };
    await node.handle(
      SCHEDULER_PROTOCOL,
      (stream, connection) => {
        stub.streams.push(new StubNode(stream, connection.remotePeer.toString(), all));
      },
      { maxInboundStreams: 2_000 },
    );
    return stub;
  }

  async stream(at = 0): Promise<StubNode> {
    await until(() => this.streams.length > at, `stream ${at} to the scheduler`);
    const stream = this.streams[at];
    if (stream === undefined) throw new Error('cannot be');
    return stream;
  }
}
