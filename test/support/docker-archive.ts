// Writes archives in the forms of `docker save`, byte by byte, so that what reads them can be judged.
//
//   dockerArchive([{ names: ['app:1'], config, layers }])                     // layers as ID/layer.tar
//   dockerArchive([...], { form: 'hybrid' })                                  // as blobs/sha256/HEX, since Docker 25

import { createHash } from 'node:crypto';
import type { TarItem } from './tar-bytes.ts';
import { tarOf } from './tar-bytes.ts';

export interface SavedImage {
  readonly names: readonly string[];
  readonly config: Uint8Array | string;
  readonly layers: readonly { readonly bytes: Uint8Array }[];
}

export type SavedForm = 'classic' | 'hybrid';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

export function dockerArchive(
  images: readonly SavedImage[],
  { form = 'classic', extra = [] }: { readonly form?: SavedForm; readonly extra?: readonly TarItem[] } = {},
): Buffer {
  const items = new Map<string, TarItem>();
  const put = (path: string, content: Uint8Array | string) => items.set(path, { path, content });
  const list = images.map(({ names, config, layers }, image) => {
    const configPath = form === 'hybrid' ? `blobs/sha256/${sha256(config)}` : `${sha256(config)}.json`;
    put(configPath, config);
    const paths = layers.map(({ bytes }, position) => {
      // Docker's own ids of layers are no digests of them.
      const id = sha256(`${image} ${position}`);
      const path = form === 'hybrid' ? `blobs/sha256/${sha256(bytes)}` : `${id}/layer.tar`;
      if (form === 'classic') put(`${id}/VERSION`, '1.0');
      if (form === 'classic') put(`${id}/json`, JSON.stringify({ id }));
      put(path, bytes);
      return path;
    });
    return { Config: configPath, RepoTags: names, Layers: paths };
  });
  put('manifest.json', JSON.stringify(list));
  return tarOf([...items.values(), ...extra]);
}
