// The public door of converter: ordinary images in, accelerated images out.
export type { ConvertSettings } from './config.ts';
export { DEFAULT_CHUNK_SIZE, DEFAULT_COMPRESSION_LEVEL, defaultWorkers } from './config.ts';
export type { ConvertOptions } from './convert.ts';
export { convertImage } from './convert.ts';
export type { LayeredTree, LayerOrigin } from './layer-origins.ts';
export { readLayeredTree } from './layer-origins.ts';
export type { ConvertProgress } from './layers-conversion.ts';
export type { ConvertReport, ConvertTotals, LayerReport } from './report.ts';
export type { ConvertWarning, WarningKind } from './warnings.ts';
