// How the node's DHT is set up; the node's factory (transport/) hands this to kadDHT.

import { type KadDHTInit, passthroughMapper } from '@libp2p/kad-dht';
import { DHT_PROTOCOL } from '../../proto/index.ts';

/** How long others keep saying that this node has a task, in ms: so long, at most, they name a node that is gone. */
export const RECORD_LIFE_MS = 60 * 60_000;
/** Said again before that, with room for attempts that fail. */
export const PROVIDE_AGAIN_MS = 20 * 60_000;

export const dhtSettings: KadDHTInit = {
  protocol: DHT_PROTOCOL,
  // Every node can be dialled by the others, at private addresses.
  clientMode: false,
  peerInfoMapper: passthroughMapper,
  // Whoever asks has a deadline of his own; without peers the answer is that there are none.
  allowQueryWithZeroPeers: true,
  // A cluster, not the internet: fewer questions for each answer.
  alpha: 4,
  disjointPaths: 2,
  // Old records go; ours are provided again by task-directory.ts, which knows what was withdrawn.
  reprovide: { validity: RECORD_LIFE_MS, interval: 5 * 60_000, threshold: 0 },
};
