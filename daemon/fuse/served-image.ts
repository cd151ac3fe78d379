// A thread's own view of the image that its connection shows.

import { BootstrapReader, DeviceReader } from '../../image/index.ts';
import type { RequestDevice } from './device.ts';
import type { ServedImage } from './messages.ts';
import type { NodeProvider } from './nodes.ts';
import type { ServedFiles } from './read-server.ts';
import { TreeNodes } from './tree-nodes.ts';

/** Where the bytes of the files are that the connection shows. Throws `malformed`, `unsupported`. */
export function servedFiles(image: ServedImage): ServedFiles {
  const reader = readerOf(image);
  return image.shows === 'tree' ? reader : new DeviceReader(reader);
}

/** As `servedFiles`, with the nodes, for who answers the requests that come by `device`. */
export function servedNodes(image: ServedImage, device: RequestDevice): { files: ServedFiles; nodes: NodeProvider } {
  const reader = readerOf(image);
  if (image.shows === 'tree') return { files: reader, nodes: new TreeNodes(reader, device) };
  const devices = new DeviceReader(reader);
  return { files: devices, nodes: devices };
}

function readerOf({ bootstrap, chunks }: ServedImage): BootstrapReader {
  return new BootstrapReader(new Uint8Array(bootstrap), chunks);
}
