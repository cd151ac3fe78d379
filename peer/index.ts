// The public door of peer: the node that shares blobs with others.

export { createPeerNode } from './create-node.ts';
export * from './discovery/dht-settings.ts';
export * from './discovery/discovery.ts';
export * from './discovery/known-peers.ts';
export { PeerSource } from './peer-source.ts';
export * from './ports.ts';
export { SCHEDULER_LINK_LIMITS, type SchedulerLinkLimits } from './scheduler/limits.ts';
export type { UploadLoad } from './scheduler/reports.ts';
export { SchedulerLinks, type SchedulersOptions, type SchedulersPorts } from './scheduler/schedulers.ts';
export * from './transport/handshake.ts';
export * from './transport/identity.ts';
export * from './transport/membership.ts';
export * from './transport/node.ts';
export * from './transport/private-file.ts';
export * from './transport/recording.ts';
export * from './transport/transport.ts';
