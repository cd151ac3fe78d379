// The public door of the daemon.
export { DiskStore, type DiskStoreOptions } from './cache/disk-store.ts';
export { probeHoles } from './cache/holes.ts';
export * from './config.ts';
export { ControlClient } from './control-client.ts';
export type { DaemonInfo } from './control-protocol.ts';
export type { Daemon } from './daemon.ts';
export type { DaemonOptions, DaemonPorts } from './daemon-options.ts';
export { type ChosenDriver, chooseDriver, type DriverChoice } from './driver-choice.ts';
export { checkDriver, checkDrivers, DRIVER_LIMITS, type DriverCheck, SELF_TEST_FAILED } from './drivers.ts';
export { planRings, type RingFacts, ringFacts } from './fuse/ring-plan.ts';
export { tryToLoad as tryToLoadFuseNative } from './fuse-native/binding.ts';
export { keepingProblem } from './holder/keeping-problem.ts';
export { loadHolder, loadServer, testErofsBackings } from './load-server.ts';
export { isMountOfOurs } from './mount/mount-table.ts';
export { pidNamespace } from './pid-namespace.ts';

export type { ImageLibrary, LazyImage, Peers } from './ports.ts';
export type { BackingProblems } from './self-test/backings.ts';
export { hasLeftMounts } from './state-dir.ts';
export type { SwarmReport, TaskReport } from './swarm-report.ts';
