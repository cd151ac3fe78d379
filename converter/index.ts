// The public door of converter: ordinary images in, accelerated images out.
export type { CompareReport } from './compare.ts';
export { compareWithOriginal } from './compare.ts';
export type { ConvertSettings, TargetFormat } from './config.ts';
export { DEFAULT_CHUNK_SIZE, DEFAULT_COMPRESSION_LEVEL, defaultWorkers } from './config.ts';
export type { ConvertOptions } from './convert.ts';
export { convertImage } from './convert.ts';
export type { IndexProgress, IndexReport, PlatformReport } from './convert-index.ts';
export { convertIndex } from './convert-index.ts';
export type { Difference, DifferenceKind } from './differences.ts';
export type { ImageList, LeftOut, ListedImage } from './image-list.ts';
export { countAttestations, listImages } from './image-list.ts';
export type { LayeredTree, LayerOrigin } from './layer-origins.ts';
export { readLayeredTree } from './layer-origins.ts';
export type { ConvertProgress } from './layers-conversion.ts';
export type { FoundReferrers, ReferrersReport } from './referrers.ts';
export { copyReferrers, findReferrers, referrersReport } from './referrers.ts';
export type { ConvertReport, ConvertTotals, LayerReport } from './report.ts';
export type { ConvertWarning, WarningKind } from './warnings.ts';
