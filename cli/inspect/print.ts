// Reports as people read them.

import { bytes, percent, printLine, printTable } from '../output.ts';
import type { ContentReport, ImageReport } from './image-report.ts';
import { modeText } from './kinds.ts';
import type { LayerName, PathReport } from './path-report.ts';

/** Of a file's chunks; the rest is in the JSON. */
const SHOWN_CHUNKS = 20;
/** A shell command of a hundred lines is a history entry like any other. */
const CREATED_BY_CHARS = 60;
const KEY_CHARS = 10;

/** A value of an image that has no business to begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(/\n/g, '\\n');
}

export function shortened(text: string, length = CREATED_BY_CHARS): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

function printPair(key: string, value: string | undefined): void {
  if (value !== undefined && value !== '') printLine(`${key.padEnd(KEY_CHARS)}  ${oneLine(value)}`);
}

export function printImage(report: ImageReport): void {
  printPair('image', report.reference);
  printPair('kind', report.kind);
  printPair('platform', report.platform);
  printPair('created', report.created);
  printPair('index', report.indexDigest);
  printPair('manifest', report.manifestDigest);
  printPair('config', report.configDigest);
  const { Entrypoint = [], Cmd = [], WorkingDir, User } = report.config;
  const words = [...Entrypoint, ...Cmd];
  printPair('command', words.length > 0 ? JSON.stringify(words) : undefined);
  printPair('directory', WorkingDir);
  printPair('user', User);
  printLine();
  printTable(
    ['LAYER', 'DIGEST', 'SIZE', ...(report.content ? ['PIECES'] : []), 'KIND', 'CREATED BY'],
    report.layers.map((layer, at) => [
      String(at + 1),
      layer.digest,
      bytes(layer.size),
      ...(report.content ? [String(layer.pieces ?? '-')] : []),
      layer.role === 'layer' ? (layer.mediaType.split('.').at(-1) ?? '') : layer.role,
      shortened(layer.createdBy ?? '-'),
    ]),
    ['LAYER', 'SIZE', 'PIECES'],
  );
  printLine();
  printPair('size', `${bytes(report.totalBytes)} in ${report.layers.length} layers`);
  if (!report.content) return;
  printPair('pieces', piecesText(report.layers));
  printContent(report.content);
}

function piecesText(layers: ImageReport['layers']): string {
  const known = layers.filter(({ pieces }) => pieces !== undefined);
  if (known.length === 0) return 'no digests: peers share whole chunks';
  const count = known.reduce((sum, { pieces = 0 }) => sum + pieces, 0);
  return `${count} with digests, of ${known.length} of ${layers.length} layers`;
}

function printContent({ bootstrapBytes, files, blobs, note, chunkSize }: ContentReport): void {
  const kinds = Object.entries(files.byKind).map(([kind, count]) => `${count} ${kind}`);
  printPair('names', `${files.names}: ${kinds.join(', ')}`);
  printPair('files', `${bytes(files.bytes)} in ${files.references} chunks of at most ${bytes(chunkSize)}`);
  printPair('bootstrap', `${bytes(bootstrapBytes)} uncompressed`);
  printPair('note', note);
  if (blobs.length === 0) return;
  const sum = (key: 'chunks' | 'compressedBytes' | 'uncompressedBytes') =>
    blobs.reduce((all, blob) => all + blob[key], 0);
  const [stored, unique] = [sum('compressedBytes'), sum('uncompressedBytes')];
  const saved = Math.max(0, files.referencedBytes - unique);
  printPair(
    'stored',
    `${sum('chunks')} chunks, ${bytes(unique)}, compressed to ${bytes(stored)} (${ratio(stored, unique)})`,
  );
  printPair('shared', `${bytes(saved)} that equal chunks did not have to be stored for`);
  printLine();
  printTable(
    ['BLOB', 'SIZE', 'CHUNKS', 'UNPACKED', 'RATIO', 'SMALLEST', 'LARGEST', 'COMPRESSOR', 'DIGESTER'],
    blobs.map(blob => [
      blob.digest.slice('sha256:'.length, 'sha256:'.length + 12),
      bytes(blob.blobBytes),
      String(blob.chunks),
      bytes(blob.uncompressedBytes),
      ratio(blob.compressedBytes, blob.uncompressedBytes),
      bytes(blob.smallestChunk),
      bytes(blob.largestChunk),
      blob.compressor,
      blob.digester,
    ]),
    ['SIZE', 'CHUNKS', 'UNPACKED', 'RATIO', 'SMALLEST', 'LARGEST'],
  );
}

function ratio(part: number, whole: number): string {
  return whole === 0 ? '-' : percent(part / whole);
}

export function printPath(report: PathReport, layerHint: string): void {
  const { kind, mode, uid, gid, size, device, target, nid, nlink, layer, dataLayers = [], chunks } = report;
  printLine(oneLine(report.path));
  printPair('kind', kind);
  printPair('mode', `${modeText(mode)} (0${(mode & 0o7777).toString(8)})`);
  printPair('owner', `${uid}:${gid}`);
  printPair('size', device ? `device ${device.major}:${device.minor}` : `${size} bytes`);
  printPair('target', target);
  printPair('modified', timeText(report.mtime));
  printPair('inode', nid === undefined ? undefined : `${nid}, ${nlink} ${nlink === 1 ? 'link' : 'links'}`);
  for (const [name, value] of Object.entries(report.xattrs)) printPair('attribute', `${name} = ${valueText(value)}`);
  printPair('layer', layer ? layerText(layer) : layerHint);
  for (const data of dataLayers) printPair('data in', layerText(data));
  if (!chunks || chunks.length === 0) return;
  printLine();
  printTable(
    ['OFFSET', 'LENGTH', 'LAYER', 'CHUNK', 'AT', 'STORED', 'DIGEST'],
    chunks
      .slice(0, SHOWN_CHUNKS)
      .map(chunk => [
        String(chunk.offset),
        String(chunk.length),
        String(chunk.layer),
        String(chunk.index),
        String(chunk.blobOffset),
        `${chunk.compressedSize}${chunk.compressed ? '' : ' (plain)'}`,
        chunk.digest,
      ]),
    ['OFFSET', 'LENGTH', 'LAYER', 'CHUNK', 'AT', 'STORED'],
  );
  if (chunks.length > SHOWN_CHUNKS) printLine(`and ${chunks.length - SHOWN_CHUNKS} more chunks; --json has all`);
}

function layerText({ number, of, digest, createdBy }: LayerName): string {
  return `${number} of ${of}: ${digest}${createdBy === undefined ? '' : ` (${shortened(createdBy)})`}`;
}

/** Beyond this a Date has no text; a hostile image may say any number. Seconds. */
const MAX_DATE_S = 8.64e12;

function timeText({ seconds, nanoseconds }: PathReport['mtime']): string {
  if (Math.abs(seconds) > MAX_DATE_S) return `${seconds} s since 1970`;
  const [whole = ''] = new Date(seconds * 1000).toISOString().split('.');
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}

/** Text as it is, anything else in hex. */
function valueText(base64: string): string {
  const value = Buffer.from(base64, 'base64');
  const isText = value.every(byte => byte >= 0x20 && byte < 0x7f);
  return isText ? JSON.stringify(value.toString('latin1')) : `0x${value.toString('hex')}`;
}
