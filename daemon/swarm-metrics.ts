// The swarm's numbers in Prometheus' form, out of a snapshot that is made when somebody asks for the page. A node without
// peers shows the counters at zero, so that rules over a fleet find them.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { SwarmCounters, SwarmStatus } from '../core/index.ts';

type Look = () => SwarmStatus | undefined;

const BYTES_BY_SOURCE = { peers: 'bytesFromPeers', origin: 'bytesFromOrigin' } as const;

const PLAIN = [
  ['shoal_swarm_sent_bytes_total', 'Bytes of pieces and chunks that were sent to other nodes.', 'bytesSent'],
  ['shoal_swarm_wrong_pieces_total', 'Pieces that were not what they should be, whoever sent them.', 'wrongPieces'],
  ['shoal_swarm_hedges_total', 'Pieces that took long and were asked of a second node as well.', 'hedges'],
] as const satisfies readonly (readonly [string, string, keyof SwarmCounters])[];

export function addSwarmMetrics(registry: Registry, look: Look): void {
  const registers = [registry];
  const bytes: Counter<'source'> = new Counter({
    name: 'shoal_swarm_bytes_total',
    help: 'Bytes of blobs that came through the swarm, by where they came from: other nodes, or the origin by a lease of this node.',
    labelNames: ['source'],
    registers,
    collect: () => {
      const counters = look()?.counters;
      bytes.reset();
      for (const source of ['peers', 'origin'] as const)
        bytes.inc({ source }, counters?.[BYTES_BY_SOURCE[source]] ?? 0);
    },
  });
  for (const [name, help, key] of PLAIN) {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        counter.reset();
        counter.inc(look()?.counters[key] ?? 0);
      },
    });
  }
  addStates(registry, look);
}

function addStates(registry: Registry, look: Look): void {
  const registers = [registry];
  const peers: Gauge<'state'> = new Gauge({
    name: 'shoal_swarm_peers',
    help: 'Other nodes that this one is connected with, and those that are banned.',
    labelNames: ['state'],
    registers,
    collect: () => {
      const all = look()?.peers ?? [];
      peers.set({ state: 'connected' }, all.filter(({ address }) => address !== undefined).length);
      peers.set({ state: 'banned' }, all.filter(({ bannedUntil }) => bannedUntil !== undefined).length);
    },
  });
  const schedulers: Gauge<'state'> = new Gauge({
    name: 'shoal_swarm_schedulers',
    help: 'Schedulers that this node is told to use, by the state of the connection.',
    labelNames: ['state'],
    registers,
    collect: () => {
      const all = look()?.schedulers ?? [];
      for (const state of ['connected', 'connecting', 'refused'] as const) {
        schedulers.set({ state }, all.filter(scheduler => scheduler.state === state).length);
      }
    },
  });
  const tasks: Gauge = new Gauge({
    name: 'shoal_swarm_tasks',
    help: 'Blobs that this node shares.',
    registers,
    collect: () => tasks.set(look()?.tasks.length ?? 0),
  });
  const expiry: Gauge = new Gauge({
    name: 'shoal_swarm_certificate_expiry_seconds',
    help: 'When this node stops being a member, in seconds since 1970; 0 without peers.',
    registers,
    collect: () => expiry.set((look()?.certificateExpiresAt ?? 0) / 1000),
  });
}
