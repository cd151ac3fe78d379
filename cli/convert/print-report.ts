// A conversion's report for people.

import type { ConvertReport, IndexReport } from '../../converter/index.ts';
import { shortDigest } from '../../core/index.ts';
import { bytes, printLine, printTable, seconds } from '../output.ts';
import { describeOriginals, type OriginalsReport } from './originals.ts';

export function printImageReport(report: ConvertReport, originals: OriginalsReport): void {
  printConversion(report);
  printOriginals(originals);
  printLine(`${report.target.name}@${report.target.digest}`);
}

export function printIndexReport(report: IndexReport, originals: OriginalsReport): void {
  for (const platform of report.platforms) {
    printLine(`${platform.platform}${report.isMerged ? ', beside the original' : ''}`);
    printConversion(platform);
    printLine(`manifest   ${platform.target.digest}`);
    printLine();
  }
  for (const { digest, reason } of report.leftOut) printLine(`left out   ${shortDigest(digest)}: ${reason}`);
  printOriginals(originals);
  printLine(`${report.target.name}@${report.target.digest}`);
}

function printConversion(report: ConvertReport): void {
  const right = ['SIZE', 'UNPACKED', 'ENTRIES', 'CHUNKS', 'SHARED', 'BLOB SIZE'];
  printTable(
    ['LAYER', 'SIZE', 'UNPACKED', 'ENTRIES', 'CHUNKS', 'SHARED', 'BLOB', 'BLOB SIZE'],
    report.layers.map(layer => [
      shortDigest(layer.digest),
      bytes(layer.compressedBytes),
      bytes(layer.uncompressedBytes),
      String(layer.entries),
      String(layer.chunks),
      String(layer.duplicateChunks),
      layer.blob ? shortDigest(layer.blob.digest) : '-',
      layer.blob ? bytes(layer.blob.size) : '-',
    ]),
    right,
  );
  const { totals, bootstrap, elapsedMs, bytesPerSecond } = report;
  printLine();
  printLine(`bootstrap  ${bytes(bootstrap.size)} (${bytes(bootstrap.uncompressedSize)} unpacked)`);
  printLine(`blobs      ${bytes(totals.blobBytes)} of ${bytes(totals.compressedBytes)} (the original's layers)`);
  printLine(`took       ${seconds(elapsedMs)}, ${bytes(bytesPerSecond)}/s of layer bytes`);
  for (const { message, count } of report.warnings) printLine(`warning    ${message} (${count})`);
}

function printOriginals(originals: OriginalsReport): void {
  const [first = '', ...more] = describeOriginals(originals);
  printLine(`note       ${first}`);
  for (const line of more) printLine(`           ${line}`);
}
