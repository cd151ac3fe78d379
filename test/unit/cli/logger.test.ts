import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortenDigests } from '../../../cli/logger.ts';

const HEX = '0123456789abcdef'.repeat(4);
const SHORT = HEX.slice(0, 12);

test('digests in a line of a log are cut to their first twelve digits, however they are written', () => {
  const cases: Record<string, string> = {
    [`registry.test/app: blob sha256:${HEX}: 503`]: `registry.test/app: blob sha256:${SHORT}: 503`,
    [`chunk 1 of blob ${HEX}: expected blake3 ${HEX}, found`]: `chunk 1 of blob ${SHORT}: expected blake3 ${SHORT}, found`,
    [`{"task":"${HEX}"}`]: `{"task":"${SHORT}"}`,
    [`open '/layout/blobs/sha256/${HEX}'`]: `open '/layout/blobs/sha256/${SHORT}'`,
    [`app@sha256:${HEX}`]: `app@sha256:${SHORT}`,
  };
  for (const [line, short] of Object.entries(cases)) assert.equal(shortenDigests(line), short);
});

test('names in paths and longer or shorter numbers stay as they are', () => {
  for (const line of [`/run/containers/${HEX}/rootfs`, `${HEX}0`, `a${HEX}`, HEX.slice(1), `${HEX}_map`])
    assert.equal(shortenDigests(line), line);
});
