// What the store may be said not to have done, so that one sees that the cuts find it.

import type { Operation } from './recording.ts';

type LeftOut = (operation: Operation, path: string) => boolean;

export const LEFT_OUT: Readonly<Record<string, LeftOut>> = {
  'data-sync': ({ what }, path) => what.call === 'sync' && path.endsWith('.data'),
  'map-sync': ({ what }, path) => what.call === 'sync' && (path.endsWith('.map') || path.endsWith('.map.new')),
  'directory-sync': ({ what }, path) => what.call === 'sync' && path.endsWith('/cache'),
};
