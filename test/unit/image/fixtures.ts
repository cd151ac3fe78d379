// The files that Nydus made; see test/fixtures/nydus/README.md.

import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Descriptor } from '../../../core/index.ts';
import { digestFromHex } from '../../../core/index.ts';

export const FIXTURE_BLOB_ID = 'be7d77eeb719f70884758d1aa800ed0fb09d701aaec469964e9d54325f0d5fef';

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/nydus/${name}`, import.meta.url));
}

/** How a manifest would describe this file. */
export function descriptorOf(file: Uint8Array): Descriptor {
  return {
    mediaType: 'application/vnd.oci.image.layer.nydus.blob.v1',
    digest: digestFromHex(hash('sha256', file)),
    size: file.length,
  };
}
