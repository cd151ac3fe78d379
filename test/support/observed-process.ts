// Loaded into a daemon before its own program (`node --import`), to be asked over its channel what it holds: memory after
// a collection of garbage, live objects, and listeners of its libp2p node. The product has no door for this.

import { EventEmitter } from 'node:events';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import type { MemberNode as Node } from '../../peer/index.ts';

export const LOOK = 'look';
/** The same, with live objects counted: that takes seconds on a busy machine, in which the daemon answers nobody. */
export const COUNT = 'count';

export interface Look {
  /** Bytes; `rss` is from before the collection, all else from after it. */
  readonly memory: Readonly<NodeJS.MemoryUsage>;
  readonly objects?: {
    readonly eventTargets: number;
    readonly abortSignals: number;
    readonly emitters: number;
    readonly promises: number;
  };
  readonly timers: number;
  readonly sockets: number;
  readonly connections: number;
  readonly streams: number;
  /** What each stream is for, how it stands, and since when. */
  readonly streamList: readonly string[];
  /** Of the node, its connections and their streams. */
  readonly listeners: number;
}

const nodes = new Set<Node>();
/** What libp2p's parts tell of themselves. */
const EVENTS = [
  ...['message', 'drain', 'idle', 'end', 'close', 'remoteCloseRead', 'remoteCloseWrite', 'abort', 'stream'],
  ...['connection:open', 'connection:close', 'connection:prune', 'peer:connect', 'peer:disconnect', 'peer:discovery'],
  ...['peer:identify', 'peer:update', 'self:peer:update', 'transport:listening', 'transport:close', 'start', 'stop'],
];

function countObjects(): NonNullable<Look['objects']> {
  return {
    eventTargets: queryObjects(EventTarget, { format: 'count' }),
    abortSignals: queryObjects(AbortSignal, { format: 'count' }),
    emitters: queryObjects(EventEmitter, { format: 'count' }),
    promises: queryObjects(Promise, { format: 'count' }),
  };
}

function look(collect: () => void, isCounting: boolean): Look {
  const { rss } = process.memoryUsage();
  collect();
  const connections = [...nodes].flatMap(({ libp2p }) => libp2p.getConnections());
  const streams = connections.flatMap(connection => connection.streams);
  const parts = [...[...nodes].map(({ libp2p }) => libp2p), ...connections, ...streams];
  const resources = process.getActiveResourcesInfo();
  const active = (name: string) => resources.filter(resource => resource === name).length;
  return {
    memory: { ...process.memoryUsage(), rss },
    ...(isCounting && { objects: countObjects() }),
    timers: active('Timeout'),
    sockets: active('TCPSocketWrap'),
    connections: connections.length,
    streams: streams.length,
    streamList: streams.map(({ protocol, direction, status, readStatus, writeStatus, timeline }) => {
      const age = Math.round((Date.now() - timeline.open) / 1000);
      return `${direction} ${protocol}: ${status}, ${readStatus}, ${writeStatus}, for ${age} s`;
    }),
    listeners: parts.reduce(
      (sum, part) => sum + EVENTS.reduce((ofPart, event) => ofPart + part.listenerCount(event), 0),
      0,
    ),
  };
}

// Threads and helpers of the daemon inherit what is loaded.
if (isMainThread && process.send !== undefined && process.argv.includes('daemon')) {
  const { MemberNode } = await import('../../peer/index.ts');
  const start = MemberNode.start.bind(MemberNode);
  MemberNode.start = async options => {
    const node = await start(options);
    nodes.add(node);
    return node;
  };
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  process.on('message', message => {
    if (message === LOOK || message === COUNT) process.send?.(look(collect, message === COUNT));
  });
  process.channel?.unref();
}
