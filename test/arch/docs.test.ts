// Documents that list what the code has: the two must agree.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { CONFIG_KEYS, KEYS, REGISTRY_KEYS } from '../../cli/config/keys.ts';
import { EXIT_CODES } from '../../cli/exit-codes.ts';
import { LOG_LEVELS } from '../../cli/logger.ts';
import { silentLogger } from '../../core/index.ts';
import { DaemonMetrics } from '../../daemon/daemon-metrics.ts';
import { DRIVER_LIMITS } from '../../daemon/index.ts';
import { SchedulerCore } from '../../scheduler/core/scheduler-core.ts';
import { SchedulerMetrics } from '../../scheduler/server/metrics.ts';

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
  const page = await new DaemonMetrics({
    log: silentLogger,
    mounts: () => [],
    cache: () => undefined,
    copiedChunks: () => 0,
    swarm: () => undefined,
  }).page();
  const declared = [...page.text.matchAll(/^# HELP (shoal_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)];
  assert.deepEqual(
    new Map(listed.map(([name, type, , help]) => [name, [type, help]])),
    new Map(declared.map(([, name, help, type]) => [name, [type, help]])),
  );
});

test('docs/scheduler.md lists every metric of the scheduler with its type, its labels and what it counts, and no other', async () => {
  const text = readFileSync(join(ROOT, 'docs/scheduler.md'), 'utf8');
  const listed = [...text.matchAll(/^\| `(shoal_\w+)` \| (\w+) \|([^|]*)\| (.*) \|$/gm)].map(match => match.slice(1));
  const page = await new SchedulerMetrics(new SchedulerCore({ random: () => 0.5 }), () => 0).page();
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

const DOCUMENTS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })];

test('every file and section that a document links to exists', () => {
  const broken: string[] = [];
  let links = 0;
  for (const document of DOCUMENTS) {
    for (const [, link = ''] of readFileSync(join(ROOT, document), 'utf8').matchAll(/\]\(([^):]+)\)/g)) {
      const [path = '', section] = link.split('#');
      const target = path === '' ? join(ROOT, document) : join(ROOT, document, '..', path);
      if (!existsSync(target) || (section !== undefined && !sectionsOf(target).includes(section))) {
        broken.push(`${document}: ${link}`);
      }
      links++;
    }
  }
  assert.ok(links > 20, `only ${links} links found`);
  assert.deepEqual(broken, []);
});

/** As GitHub and others name a section in its address. */
function sectionsOf(path: string): string[] {
  const titles = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(match => match[1] ?? '');
  return titles.map(title =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('every file of the sources that docs/limits.md names exists', () => {
  const text = readFileSync(join(ROOT, 'docs/limits.md'), 'utf8');
  const names = [...text.matchAll(/`([\w/-]+\.ts)`/g)].map(match => match[1] ?? '');
  const sources = globSync('{core,image,registry,converter,daemon,proto,peer,scheduler,cli}/**/*.ts', { cwd: ROOT });
  assert.ok(names.length > 20, `only ${names.length} files found`);
  assert.deepEqual(
    names.filter(name => !sources.some(path => path === name || path.endsWith(`/${name}`))),
    [],
  );
});

const SYSTEMD_ANALYZE = '/usr/bin/systemd-analyze';
const noSystemd = existsSync(SYSTEMD_ANALYZE) ? false : `${SYSTEMD_ANALYZE} is not installed`;

for (const name of globSync('*.service', { cwd: join(ROOT, 'deploy') })) {
  test(`systemd accepts deploy/${name}`, { skip: noSystemd }, async t => {
    const directory = mkdtempSync(join(tmpdir(), 'shoal-test-unit-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const unit = readFileSync(join(ROOT, 'deploy', name), 'utf8');
    // The program need not be installed here.
    const here = unit.replace('\nExecStart=shoal ', `\nExecStart=${join(ROOT, 'bin/shoal')} `);
    assert.notEqual(here, unit);
    const path = join(directory, name);
    writeFileSync(path, here);
    const { status, stderr } = spawnSync(SYSTEMD_ANALYZE, ['verify', path], { encoding: 'utf8', timeout: 30_000 });
    // Warnings count: an unknown key is one.
    assert.deepEqual(
      { status, complaints: stderr.split('\n').filter(line => line.includes(name)) },
      { status: 0, complaints: [] },
    );
  });
}
