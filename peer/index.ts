// The public door of the peers.
export { createPeerNode } from './create-node.ts';
export { PeerSource } from './peer-source.ts';
export type { CreatePeerNode, PeerNodeOptions } from './ports.ts';
