// Images to convert whose parts are cut off, damaged, swapped or lying: index, manifest, config, layer.

import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { isDigest } from '../../../core/index.ts';
import { noise } from '../../support/fake-blob.ts';
import { buildImage } from '../../support/image-builder.ts';
import { tarOf } from '../../support/tar-bytes.ts';
import {
  convertedImage,
  cut,
  flip,
  type LayoutImage,
  plainImage,
  SAMPLE_FILES,
} from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

const TARGET = 'out';

/** `shoal convert` of a plain image that was doctored. */
function convert(doctor: (image: LayoutImage, place: Place) => Promise<unknown>): WrongInput['command'] {
  return async place => {
    const image = await plainImage(place);
    await doctor(image, place);
    return ['convert', image.reference, `oci:${place.path(TARGET)}:app`];
  };
}

const SOURCE: readonly WrongInput[] = [
  {
    name: 'an index that is no JSON',
    command: convert((_, place) => writeFile(place.path('in/index.json'), '{"schemaVersion":2,')),
    code: 65,
    message: /oci:in:app: index.* is no valid JSON/,
  },
  {
    name: 'a manifest that is cut off',
    command: convert(image => image.damage('manifest', cut)),
    code: 65,
    message: /blob sha256:HEX: expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a manifest that is damaged',
    command: convert(image => image.damage('manifest', flip(30))),
    code: 65,
    message: /expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a manifest that is missing',
    command: convert(async image => rm(image.path(await image.manifestDigest()))),
    code: 66,
    message: /blob sha256:HEX: ENOENT/,
  },
  {
    name: 'a manifest that is no JSON',
    command: convert(image => image.putManifest(Buffer.from('layers: none'))),
    code: 65,
    message: /manifest is no valid JSON/,
  },
  {
    name: 'a manifest without a config',
    command: convert(image => image.putManifest({ schemaVersion: 2, layers: [] })),
    code: 65,
    message: /manifest is wrong at config: .*expected object/,
  },
  {
    name: 'a manifest that is an index, too',
    command: convert(async image => image.putManifest({ ...(await image.manifest()), manifests: [] })),
    code: 65,
    message: /both an index \(manifests\) and a manifest/,
  },
  {
    name: 'a manifest whose layer has a negative size',
    command: convert(async image => {
      const manifest = await image.manifest();
      await image.putManifest({ ...manifest, layers: manifest.layers.map(layer => ({ ...layer, size: -1 })) });
    }),
    code: 65,
    message: /manifest is wrong at layers\.0\.size/,
  },
  {
    name: 'a manifest in a registry with the digest of another one',
    command: async place => {
      const registry = await place.startRegistry();
      const image = await plainImage(place);
      await image.publish(registry, 'app', 'latest');
      const [stored] = registry.repository('app').manifests.values();
      stored?.bytes.write('3', stored.bytes.indexOf('"schemaVersion":2') + '"schemaVersion":'.length);
      return ['convert', '--plain-http', `${registry.host}/app:latest`, `oci:${place.path(TARGET)}:app`];
    },
    code: 65,
    message: /manifest: expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a config that is cut off',
    command: convert(image => image.damage('config', cut)),
    code: 65,
    message: /blob sha256:HEX: expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a config that is damaged',
    command: convert(image => image.damage('config', flip(5))),
    code: 65,
    message: /expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a config that is no JSON',
    command: convert(image => image.replace('config', Buffer.from('nothing'))),
    code: 65,
    message: /config is no valid JSON/,
  },
  {
    name: 'a config with more diff ids than there are layers',
    command: convert(async image => {
      const config = JSON.parse((await image.bytesOf('config')).toString());
      config.rootfs.diff_ids.push(config.rootfs.diff_ids[0]);
      await image.replace('config', Buffer.from(JSON.stringify(config)));
    }),
    code: 65,
    message: /the config has 2 diff ids for 1 layers/,
  },
  {
    name: 'a layer that is cut off',
    command: convert(image => image.damage(0, cut)),
    code: 65,
    message: /blob sha256:HEX: expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a layer that is damaged',
    command: convert(image => image.damage(0, flip(-4))),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): .*expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a layer that is another one of the same size',
    command: convert(image => image.damage(0, bytes => noise(bytes.length, 'swapped'))),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): .*expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a layer that is missing',
    command: convert(async image => rm(image.path((await image.manifest()).layers[0]?.digest ?? ''))),
    code: 66,
    message: /blob sha256:HEX: ENOENT/,
  },
  {
    name: 'a layer whose gzip stream is cut off, under the right digest',
    command: convert(async image => image.replace(0, (await image.bytesOf(0)).subarray(0, -20))),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): gzip stream/,
  },
  {
    name: 'a layer whose tar is another one than the config names',
    command: convert(image => image.replace(0, gzipSync(tarOf([{ path: 'evil', content: 'evil' }])))),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): uncompressed it is sha256:HEX, the config's diff id is sha256:HEX/,
  },
  {
    name: 'a second layer that is damaged, when the blob of the first is in the target already',
    command: async place => {
      const registry = await place.startRegistry();
      const image = await plainImageOfTwo(place);
      await image.publish(registry, 'app', 'latest');
      const second = (await image.manifest()).layers[1]?.digest ?? '';
      if (isDigest(second)) registry.corrupt(second, 50_000);
      const release = registry.hold(second);
      const blobs = place.path(TARGET, 'blobs/sha256');
      place.whenever(() => existsSync(blobs) && readdirSync(blobs).length > 0, release);
      return ['convert', '--plain-http', `${registry.host}/app:latest`, `oci:${place.path(TARGET)}:app`];
    },
    code: 65,
    message: /layer 2 of 2 \(sha256:HEX\): .*expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a damaged layer, when the target has an older image',
    command: async place => {
      const older = await convertedImage(place);
      const image = await plainImage(place, [{ path: 'new', content: noise(100_000, 'new') }]);
      await image.damage(0, flip(-4));
      return ['convert', image.reference, older.reference];
    },
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): .*expected sha256:HEX, found sha256:HEX/,
  },
];

async function plainImageOfTwo(place: Place): Promise<LayoutImage> {
  const image = await plainImage(place);
  await buildImage(image.directory, {
    tag: 'app',
    layers: [{ tar: SAMPLE_FILES }, { tar: [{ path: 'second', content: noise(50_000, 'second') }] }],
  });
  return image;
}

wrongInputs(
  {
    title: 'Corrupt images',
    about: 'Index, manifest, config and layers of images to convert: cut off, damaged, swapped, or lying.',
  },
  SOURCE,
);
