// Nodes, links, disks and the scheduler fail.

import { CONTROL, REGISTRY } from '../support/swarm/network.ts';
import type { Scenario, Stage } from './scenario.ts';

/** A request that brings nothing is asked elsewhere after 2 s at most, a lease expires (docs/protocol.md). */
const HEDGE_MS = 5_000;
/** As long as the engine waits before it tries a full disk again (daemon/config.ts). */
const DISK_MS = 30_000;
const ORIGIN_MS = 17_000;

function half(stage: Stage): { readonly first: readonly string[]; readonly second: readonly string[] } {
  const shuffled = stage.random.pick(stage.nodes, stage.nodes.length);
  const middle = shuffled.length >> 1;
  return { first: shuffled.slice(0, middle), second: shuffled.slice(middle) };
}

export const NODE_SCENARIOS: readonly Scenario[] = [
  { name: 'calm', about: 'nothing', needsPeers: false, graceMs: 0, play: async () => {} },
  {
    name: 'late',
    about: 'one node joins when the others have half',
    needsPeers: false,
    graceMs: 0,
    async prepare(stage) {
      for (const node of stage.random.pick(stage.nodes, 1)) stage.delay(node);
    },
    async play(stage) {
      await stage.progress(0.5);
      for (const node of stage.nodes) stage.join(node);
    },
  },
  {
    name: 'scheduler-killed',
    about: 'the scheduler is killed mid-start, and back some seconds later',
    needsPeers: true,
    graceMs: HEDGE_MS,
    async play(stage) {
      await stage.progress(stage.random.between(0.1, 0.4));
      const trouble = stage.trouble({ stopsReads: false });
      await stage.killScheduler();
      await stage.pause(stage.random.between(1_000, 4_000));
      await stage.startScheduler();
      trouble.end();
    },
  },
  {
    name: 'peers-killed',
    about: '3 nodes of 8 are killed mid-answer',
    needsPeers: false,
    graceMs: HEDGE_MS,
    async play(stage) {
      await stage.progress(stage.random.between(0.2, 0.5));
      const trouble = stage.trouble({ stopsReads: false });
      const victims = stage.random.pick(stage.nodes, Math.max(1, Math.floor((stage.nodes.length * 3) / 8)));
      await Promise.all(victims.map(node => stage.kill(node)));
      trouble.end();
    },
  },
  {
    name: 'leases-expire',
    about: '2 nodes stand still for 8 s, with the leases that they have',
    needsPeers: false,
    graceMs: HEDGE_MS,
    async play(stage) {
      await stage.progress(stage.random.between(0.05, 0.2));
      const victims = stage.random.pick(stage.nodes, 2);
      const others = stage.nodes.filter(node => !victims.includes(node));
      const forVictims = stage.trouble({ stopsReads: true, nodes: victims });
      const forOthers = stage.trouble({ stopsReads: false, nodes: others });
      for (const node of victims) stage.freeze(node);
      await stage.pause(8_000);
      for (const node of victims) stage.thaw(node);
      forVictims.end();
      forOthers.end();
    },
  },
  {
    name: 'partition',
    about: 'half of the nodes are cut off, and later no longer',
    needsPeers: false,
    graceMs: ORIGIN_MS,
    async play(stage) {
      await stage.progress(stage.random.between(0.1, 0.4));
      const { first, second } = half(stage);
      // With peers both sides reach the origin, and one the scheduler; plain daemons have nothing but the origin.
      const trouble = stage.trouble({ stopsReads: !stage.hasPeers, nodes: second });
      await stage.partition([[...first, stage.hasPeers ? CONTROL : REGISTRY], second]);
      await stage.pause(stage.random.between(3_000, 6_000));
      await stage.heal();
      trouble.end();
    },
  },
  {
    name: 'full-disk',
    about: 'the cache of one node does not fit on its disk, which then grows',
    needsPeers: false,
    graceMs: DISK_MS,
    async prepare(stage) {
      for (const node of victimOf(stage)) await stage.giveDisk(node, diskBytes(stage) / 4);
    },
    async play(stage) {
      const nodes = victimOf(stage);
      for (const node of nodes) {
        await stage.storeError(node);
        const trouble = stage.trouble({ stopsReads: true, nodes });
        await stage.pause(2_000);
        await stage.resizeDisk(node, diskBytes(stage) * 4);
        trouble.end();
      }
    },
  },
];

function victimOf({ nodes }: Stage): readonly string[] {
  return nodes.slice(0, 1);
}

/** The cache holds uncompressed bytes. */
function diskBytes({ imageBytes }: Stage): number {
  return imageBytes * 2;
}
