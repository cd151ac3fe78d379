// The public door of image: the on-disk format, bytes in and values out.
export type { BlobEntry } from './blob-table.ts';
export * from './blob-toc.ts';
export * from './blob-writer.ts';
export * from './bootstrap-reader.ts';
export { writeBootstrap } from './bootstrap-writer.ts';
export * from './check.ts';
export * from './chunk-list.ts';
export type { ChunkTable } from './chunk-table.ts';
export * from './codec.ts';
export * from './compression-table.ts';
export type { EmitEntry } from './dirent.ts';
export type { EmitExtent } from './extents.ts';
export { deviceNumber } from './inode-writer.ts';
export { kindOfMode } from './node-kinds.ts';
export * from './payload.ts';
export * from './tree.ts';
export * from './walk.ts';
export { isWritableXattr } from './xattr.ts';
