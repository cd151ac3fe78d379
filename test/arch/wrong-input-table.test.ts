// docs/wrong-input.md has the themes of test/integration/wrong-input/, all of them and no other. (That each theme has the
// rows of its cases, its own test file checks, which has run them.)

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { DOCUMENT } from '../support/wrong-input/table.ts';

const TESTS = resolve(import.meta.dirname, '../integration/wrong-input');

test('docs/wrong-input.md has a section for every file of cases, and no other', () => {
  const sections = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^## (.*)$/gm)].map(match => match[1]);
  const titles = readdirSync(TESTS).map(name => /title: '([^']*)'/.exec(readFileSync(join(TESTS, name), 'utf8'))?.[1]);
  assert.deepEqual(sections.toSorted(), titles.toSorted());
  assert.ok(sections.length > 5);
});
