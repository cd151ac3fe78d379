// The public door of the peer folder.

export { dhtSettings } from './discovery/dht-settings.ts';
export { PeerDiscovery } from './discovery/discovery.ts';
export { KnownPeers } from './discovery/known-peers.ts';
export type * from './ports.ts';
export type { UploadLoad } from './scheduler/reports.ts';
export { SchedulerLinks, type SchedulersOptions } from './scheduler/schedulers.ts';
