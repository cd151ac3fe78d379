// The public door of core: words, ports and small pure mechanisms that two or more folders need.
export * from './chunk.ts';
export * from './chunk-map.ts';
export * from './chunk-source.ts';
export * from './chunk-store.ts';
export * from './clock.ts';
export * from './digest.ts';
export * from './errors.ts';
export * from './image-mounter.ts';
export * from './image-transfer.ts';
export * from './lanes.ts';
export * from './log.ts';
export * from './piece.ts';
export * from './piece-set.ts';
export * from './referrers.ts';
export * from './sibling-script.ts';
export * from './single-flight.ts';
export * from './swarm.ts';
