import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileDigests } from '../../../converter/file-digests.ts';

const CHUNK = 4096;

test('chunks of all files count, those of holes too: many sparse files do not fill the memory', () => {
  const digests = new FileDigests({ chunkSize: CHUNK, digester: 'blake3', maxChunks: 10 });
  digests.zeros(6 * CHUNK);
  assert.equal(digests.endFile().length, 6);
  digests.zeros(4 * CHUNK);
  assert.equal(digests.endFile().length, 4);
  assert.throws(() => digests.zeros(CHUNK), { code: 'limit', message: /more than 10 chunks/ });
});
