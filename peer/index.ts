// The public door of the peers.
export { PeerSource } from './peer-source.ts';
export type { CreatePeerNode, PeerNodeOptions } from './ports.ts';
