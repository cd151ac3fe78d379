// The nodes of bench/scheduler/connections.ts: thousands of streams on hundreds of connections, each speaking the protocol
// as a node does, and understanding of the answers as much as it must (leases, pongs).
//   node played-nodes.ts DIRECTORY ADDRESS HOSTS TASKS ACTIVE CONNECTIONS PIECES

import { createHash } from 'node:crypto';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import {
  MAX_SCHEDULER_MESSAGE_BYTES,
  type MessageCodec,
  MessageStream,
  NodeMessage,
  type NodeMessageProperties,
  SCHEDULER_PROTOCOL,
  SchedulerMessage,
  type SchedulerMessageProperties,
} from '../../proto/index.ts';
import { memberNode } from './member-node.ts';

export type LoadOrder =
  | { readonly kind: 'join' }
  | { readonly kind: 'run'; readonly rate: number; readonly seconds: number };

export interface LoadResult {
  readonly ms: number;
  readonly cpuMs: number;
  /** From a ping, sent behind other messages, to its pong. */
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
}

const [directory = '', address = '', ...numbers] = process.argv.slice(2);
/** The first `activeCount` tasks are new to all; the others all have. */
const [hostCount = 0, taskCount = 0, activeCount = 0, connectionCount = 0, pieceCount = 0] = numbers.map(Number);

const WANTS_IN_TEN = 1;
const PIECES_WANTED = 8;
/** A host says so much at a time, and then a ping. */
const BURST = 5;
/** Bursts without an answer, of all hosts, where no rate is asked for. */
const UNANSWERED = 400;
/** Pings whose times are kept. */
const KEPT = 1_000_000;

const NOTHING = new Uint8Array(0);
const WHOLE = new Uint8Array(Math.ceil(pieceCount / 8)).fill(255);

const LEASE = 0x1a;
const PING = 0x42;
const PONG = 0x4a;
/** News about others is read and thrown away: decoding it here would be the nodes' work, and there are 10 000 of them. */
const codec: MessageCodec<NodeMessageProperties, SchedulerMessageProperties | undefined> = {
  encode: message => NodeMessage.encode(message).finish(),
  decode: bytes =>
    bytes[0] === LEASE || bytes[0] === PING || bytes[0] === PONG ? SchedulerMessage.decode(bytes) : undefined,
  bodyLength: () => 0,
};

let times: number[] = [];
let unanswered = 0;
let wake: (() => void) | undefined;

class Host {
  readonly #stream: MessageStream<NodeMessageProperties, SchedulerMessageProperties | undefined>;
  readonly #pings: number[] = [];
  /** Pieces below are held, of each task: so reports are of new pieces until a blob is whole. */
  readonly #held = new Uint32Array(taskCount);

  constructor(stream: Awaited<ReturnType<Connection['newStream']>>, name: number) {
    const bounds = { maxMessageBytes: MAX_SCHEDULER_MESSAGE_BYTES, maxBodyBytes: 0, maxUnsentBytes: 64 << 20 };
    this.#stream = new MessageStream(stream, codec, bounds, {
      onMessage: message => this.#receive(message),
      onEnd: error => {
        console.error('played node: the stream ended', error?.message);
        process.exit(1);
      },
    });
    const place = { region: 'r', zone: `z${name % 10}`, rack: `k${name % 200}` };
    this.#stream.send({
      hello: { name: `host ${name}`, addresses: ['/ip4/10.0.0.1/tcp/7642'], ...place, uploadSlots: 8 },
    });
  }

  join(task: number): void {
    const pieces = task < activeCount ? NOTHING : WHOLE;
    const taskId = taskIds[task] ?? NOTHING;
    this.#say({ join: { handle: task + 1, taskId, pieceCount, pieces, chunks: NOTHING, reachesOrigin: true } });
  }

  /** What a node has to say next. */
  speak(): void {
    const task = Math.floor(Math.random() * activeCount);
    if (Math.random() * 10 < WANTS_IN_TEN) {
      const first = Math.floor(Math.random() * (pieceCount - PIECES_WANTED));
      this.#say({ want: { handle: task + 1, lane: 1, runs: [first, PIECES_WANTED] } });
      return;
    }
    const held = this.#held[task] ?? 0;
    const more = 1 + Math.floor(Math.random() * 4);
    this.#held[task] = held + more;
    // A whole blob is lost, as by eviction, and comes again.
    const pieces = Array.from({ length: more }, (_, i) => (held + i) % pieceCount);
    const isAgain = Math.floor(held / pieceCount) % 2 === 1;
    this.#report(task + 1, isAgain ? { piecesLost: pieces } : { piecesGained: pieces });
  }

  ping(): void {
    unanswered++;
    this.#pings.push(performance.now());
    this.#stream.send({ ping: {} });
  }

  #report(handle: number, changes: { piecesGained?: number[]; piecesLost?: number[] }): void {
    this.#say({ report: { tasks: [{ handle, ...changes }], queueLength: 3, freeSlots: 5 } });
  }

  #say(message: NodeMessageProperties): void {
    this.#stream.send(message);
  }

  #receive(message: SchedulerMessageProperties | undefined): void {
    if (message?.lease) {
      const pieces: number[] = [];
      const runs = message.lease.runs ?? [];
      for (let i = 0; i < runs.length; i += 2)
        for (let n = 0; n < (runs[i + 1] ?? 0); n++) pieces.push((runs[i] ?? 0) + n);
      this.#report(message.lease.handle ?? 0, { piecesGained: pieces });
    }
    if (message?.ping) this.#say({ pong: {} });
    const at = message?.pong ? this.#pings.shift() : undefined;
    if (at === undefined) return;
    unanswered--;
    if (times.length < KEPT) times.push(performance.now() - at);
    wake?.();
  }
}

const taskIds = Array.from({ length: taskCount }, (_, i) => createHash('sha256').update(`task ${i}`).digest());
const hosts: Host[] = [];

async function connect(): Promise<void> {
  for (let i = 0; i < connectionCount; i++) {
    const node = await memberNode(directory, 'peer', []);
    const connection = await node.libp2p.dial(multiaddr(address));
    const share = Math.floor(((i + 1) * hostCount) / connectionCount) - hosts.length;
    for (let n = 0; n < share; n++) {
      hosts.push(new Host(await connection.newStream(SCHEDULER_PROTOCOL, { maxOutboundStreams: 250 }), hosts.length));
    }
  }
}

async function joinAll(): Promise<void> {
  for (let task = 0; task < taskCount; task += BURST) {
    for (const host of hosts) {
      for (let n = task; n < Math.min(taskCount, task + BURST); n++) host.join(n);
      host.ping();
      await answered(UNANSWERED);
    }
  }
  await answered(0);
}

/** At a rate in small portions, or as fast as it is answered. */
async function runAt(rate: number, seconds: number): Promise<void> {
  const began = performance.now();
  let [sent, at] = [0, 0];
  const speak = () => {
    at = (at + 7919) % hosts.length;
    const host = hosts[at];
    for (let n = 0; n < BURST; n++) host?.speak();
    host?.ping();
    sent += BURST;
  };
  for (;;) {
    const passed = performance.now() - began;
    if (passed > seconds * 1000) break;
    if (rate === 0) {
      speak();
      await answered(UNANSWERED);
    } else {
      while (sent < (passed * rate) / 1000) speak();
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  }
  await answered(0);
}

/** Resolves when at most so many bursts wait for an answer. */
async function answered(most: number): Promise<void> {
  while (unanswered > most) {
    await new Promise<void>(resolve => {
      wake = resolve;
    });
  }
}

async function obey(order: LoadOrder): Promise<LoadResult> {
  times = [];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  if (order.kind === 'join') await joinAll();
  else await runAt(order.rate, order.seconds);
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(times).sort();
  const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  const ms = performance.now() - began;
  return { ms, cpuMs: (user + system) / 1000, answerP50Ms: quantile(0.5), answerP99Ms: quantile(0.99) };
}

process.on('message', async order => {
  if (order === 'connect') {
    await connect();
    process.send?.({});
  } else process.send?.(await obey(order as LoadOrder));
});
process.on('disconnect', () => process.exit(0));
