import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBlobs } from '../../../converter/image-copy.ts';
import { abortedError, digestFromHex, type ImageSink, type ImageSource, ShoalError } from '../../../core/index.ts';
import { MEDIA_TYPES } from '../../../registry/index.ts';

const BLOBS = 20;

test('the first blob that fails ends the copy: no other is begun, those under way are aborted', async () => {
  const blob = (number: number) => ({
    mediaType: MEDIA_TYPES.ociLayer,
    digest: digestFromHex(number.toString(16).padStart(64, '0')),
    size: 1,
  });
  const layers = Array.from({ length: BLOBS }, (_, i) => blob(i + 1));
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: blob(0), layers };
  const source = { name: 'original', blob: async function* () {} } as unknown as ImageSource;
  let begun = 0;
  let aborted = 0;
  const sink = {
    name: 'target',
    async putBlob(_descriptor, _content, { signal }) {
      // The second one fails; the first one waits as if the network did not answer.
      if (++begun === 2) throw new ShoalError('unreachable', 'target: gone');
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      aborted++;
      throw abortedError(signal);
    },
  } as Partial<ImageSink> as ImageSink;
  const { signal } = new AbortController();
  const copying = copyBlobs(Buffer.from(JSON.stringify(manifest)), { source, sink, signal });
  await assert.rejects(copying, { code: 'unreachable', message: 'target: gone' });
  assert.deepEqual({ begun, aborted }, { begun: 2, aborted: 1 });
});
