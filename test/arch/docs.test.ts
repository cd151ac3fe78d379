// Documents that list what the code has: the two must agree.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { CONFIG_KEYS, KEYS, REGISTRY_KEYS } from '../../cli/config/keys.ts';
import { EXIT_CODES } from '../../cli/exit-codes.ts';
import { LOG_LEVELS } from '../../cli/logger.ts';
import { silentLogger } from '../../core/index.ts';
import { DaemonMetrics } from '../../daemon/daemon-metrics.ts';
import { DRIVER_LIMITS } from '../../daemon/index.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test('docs/exit-codes.md lists every error code with its exit code, and no other', () => {
  const text = readFileSync(join(ROOT, 'docs/exit-codes.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(match => [match[2], Number(match[1])]);
  assert.deepEqual(Object.fromEntries(rows), EXIT_CODES);
});

test('docs/configuration.md lists every key with its variable, flag, values, default and meaning, and no other', () => {
  const text = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)].map(match => [
    match[1] ?? '',
    ...(match[2] ?? '').split('|').map(cell => cell.replace(/^[\s`]+|[\s`]+$/g, '')),
  ]);
  const keys = CONFIG_KEYS.map(key => {
    const { env, flag, expected, fallback, defaultText, meaning } = KEYS[key];
    return [key, env, flag ?? '', expected, String(fallback ?? defaultText).replaceAll('`', ''), meaning];
  });
  const registryKeys = Object.entries(REGISTRY_KEYS).map(([key, { expected, meaning }]) => [key, expected, meaning]);
  const levels = /^(error|warn|info|debug|trace)$/;
  assert.deepEqual(
    rows.filter(([key = '']) => !levels.test(key)),
    [...keys, ...registryKeys],
  );
  assert.deepEqual(
    rows.map(([key = '']) => key).filter(key => levels.test(key)),
    [...LOG_LEVELS],
  );
});

test('docs/metrics.md lists every metric of ours with its type, its labels and what it counts, and no other', async () => {
  const text = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
  const listed = [...text.matchAll(/^\| `(shoal_\w+)` \| (\w+) \|([^|]*)\| (.*) \|$/gm)].map(match => match.slice(1));
  const page = await new DaemonMetrics({ log: silentLogger, mounts: () => [], cache: () => undefined }).page();
  const declared = [...page.text.matchAll(/^# HELP (shoal_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)];
  assert.deepEqual(
    new Map(listed.map(([name, type, , help]) => [name, [type, help]])),
    new Map(declared.map(([, name, help, type]) => [name, [type, help]])),
  );
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
