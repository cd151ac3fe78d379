// An image of three layers that copy, link, replace and hide, for tests of what tells where a file comes from.

import { join } from 'node:path';
import { type BuiltImage, buildImage } from './image-builder.ts';

export function buildLayeredImage(directory: string): Promise<BuiltImage> {
  const one = { mode: 0o640, uid: 5, gid: 6, mtime: 1_000_000_000, xattrs: { 'user.note': 'hi' } };
  return buildImage(join(directory, 'layout'), {
    layers: [
      {
        tar: [
          { path: 'data/', mode: 0o755 },
          { path: 'data/one', content: 'first', ...one },
          { path: 'data/hard', type: 'hardlink', target: 'data/one' },
          { path: 'data/replaced', content: 'before' },
          { path: 'data/hidden', content: 'before' },
          { path: 'usr/lib/', mode: 0o755 },
          { path: 'lib', type: 'symlink', target: 'usr/lib' },
        ],
      },
      {
        tar: [
          { path: 'data/', mode: 0o700 },
          { path: 'data/two', content: 'second' },
          { path: 'data/copy', content: 'first' },
          { path: 'data/empty', content: '' },
          { path: 'data/.wh.hidden', content: '' },
        ],
      },
      {
        tar: [
          { path: 'data/replaced', content: 'after' },
          { path: 'link', type: 'symlink', target: '../../data/one' },
          { path: 'implicit/file', content: 'x' },
          { path: 'lib/late', content: 'through a link' },
        ],
      },
    ],
  });
}
