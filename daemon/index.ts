// The public door of the daemon.
export { DiskStore, type DiskStoreOptions } from './cache/disk-store.ts';
export { probeHoles } from './cache/holes.ts';
export * from './config.ts';
export { ControlClient } from './control-client.ts';
export type { DaemonInfo } from './control-protocol.ts';
export type { Daemon } from './daemon.ts';
export type { DaemonOptions, DaemonPorts } from './daemon-options.ts';
export {
  type ChosenDriver,
  checkDriver,
  checkDrivers,
  chooseDriver,
  DRIVER_LIMITS,
  type DriverCheck,
} from './drivers.ts';
export { planRings, type RingFacts, ringFacts } from './fuse/ring-plan.ts';
export { tryToLoad as tryToLoadFuseNative } from './fuse-native/binding.ts';
export { keepingProblem } from './holder/keeping-problem.ts';
export { loadHolder, loadServer } from './load-server.ts';
export { isMountOfOurs } from './mount/mount-table.ts';

export type { ImageLibrary, LazyImage, Peers } from './ports.ts';
export { hasLeftMounts } from './state-dir.ts';
export type { SwarmReport, TaskReport } from './swarm-report.ts';
