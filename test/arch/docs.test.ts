// Documents that list what the code has: the two must agree.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { EXIT_CODES } from '../../cli/exit-codes.ts';
import { DRIVER_LIMITS } from '../../daemon/index.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test('docs/exit-codes.md lists every error code with its exit code, and no other', () => {
  const text = readFileSync(join(ROOT, 'docs/exit-codes.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(match => [match[2], Number(match[1])]);
  assert.deepEqual(Object.fromEntries(rows), EXIT_CODES);
});

test("docs/drivers.md lists every driver's limits, and no other", () => {
  const text = readFileSync(join(ROOT, 'docs/drivers.md'), 'utf8');
  for (const [driver, limits] of Object.entries(DRIVER_LIMITS)) {
    const section = text.split(`\n## \`${driver}\`\n`)[1]?.split('\n## ')[0] ?? '';
    assert.ok(section.length > 0, `no section for ${driver}`);
    const items = section.split(/\n- /).slice(1);
    assert.deepEqual(
      items.map(item => (item.split('\n\n')[0] ?? '').trim().replace(/\s+/g, ' ')),
      limits,
    );
  }
});

test('every file that the README and the architecture link to exists', () => {
  for (const document of ['README.md', 'docs/architecture.md']) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(match => match[1] ?? '');
    assert.ok(links.length > 0, `${document} links to nothing`);
    for (const link of links) {
      assert.doesNotThrow(() => readDirOrFile(join(ROOT, document, '..', link)), `${document} links to ${link}`);
    }
  }
});

function readDirOrFile(path: string): void {
  if (path.endsWith('/')) assert.ok(readFileSync(join(path, '0001-tar-reader.md')).length > 0);
  else readFileSync(path);
}
