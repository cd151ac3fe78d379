// A thread's own view of the image that its connection shows.

import { BootstrapReader, DeviceReader, FlatReader } from '../../image/index.ts';
import type { RequestDevice } from './device.ts';
import { DeviceNodes } from './device-nodes.ts';
import type { ServedImage } from './messages.ts';
import type { NodeProvider } from './nodes.ts';
import type { ServedFiles } from './read-server.ts';
import { TreeNodes } from './tree-nodes.ts';

/** Where the bytes of the files are that the connection shows. Throws `malformed`, `unsupported`. */
export function servedFiles(image: ServedImage): ServedFiles {
  const reader = readerOf(image);
  return image.shows === 'tree' ? reader : withoutTree(image.shows, reader);
}

/** As `servedFiles`, with the nodes, for who answers the requests that come by `device`. */
export function servedNodes(image: ServedImage, device: RequestDevice): { files: ServedFiles; nodes: NodeProvider } {
  const reader = readerOf(image);
  if (image.shows === 'tree') return { files: reader, nodes: new TreeNodes(reader, device) };
  const files = withoutTree(image.shows, reader);
  return { files, nodes: files instanceof DeviceReader ? new DeviceNodes(files, device) : files };
}

function withoutTree(shows: 'devices' | 'flat', reader: BootstrapReader): DeviceReader | FlatReader {
  return shows === 'devices' ? new DeviceReader(reader) : new FlatReader(reader);
}

function readerOf({ bootstrap, chunks }: ServedImage): BootstrapReader {
  return new BootstrapReader(new Uint8Array(bootstrap), chunks);
}
