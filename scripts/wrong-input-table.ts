// Writes docs/wrong-input.md from a run of the tests in test/integration/wrong-input/: each row is what a case saw.
//
//   sh scripts/with-node.sh scripts/wrong-input-table.ts

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DOCUMENT, RECORD_VARIABLE } from '../test/support/wrong-input/table.ts';

const HEAD = `# Wrong input

What Shoal says to wrong input, and what it leaves behind. Every row is a test: the command was run, its exit code
([exit-codes.md](exit-codes.md)) and message checked, and everything it could have left (files, mounts, processes, its
root directory, tags and blobs of the registry) compared with what was there before. Paths are relative to the test's
directory; HOST, HEX, PID and the like stand for what differs from run to run. "Nothing" means not one file more, and a
target's tag as it was; the root directory keeps its lock, version, log and cache.

Mounts in these rows are by the driver \`fuse\`. With \`erofs\` the kernel reads the bootstrap: an entry that makes no sense to it is
an error too (EUCLEAN, EIO); where \`fuse\` says that an index entry points beside a chunk, \`erofs\` shows what lies there: verified
bytes of the same image, or zeros.

Written by \`scripts/wrong-input-table.ts\`; the tests compare their rows with these.
`;

const ROOT = resolve(import.meta.dirname, '..');
const TESTS = 'test/integration/wrong-input';

const record = mkdtempSync(join(tmpdir(), 'shoal-wrong-input-'));
try {
  const files = readdirSync(join(ROOT, TESTS)).filter(name => name.endsWith('.test.ts'));
  const args = ['--test', '--test-concurrency=2', ...files.map(name => join(TESTS, name))];
  const env = { ...process.env, [RECORD_VARIABLE]: record };
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const sections = readdirSync(record).sort();
  if (status !== 0 || sections.length !== files.length) {
    throw new Error(`${sections.length} of ${files.length} files recorded their rows; ${DOCUMENT} stays as it is`);
  }
  const texts = sections.map(name => readFileSync(join(record, name), 'utf8'));
  writeFileSync(DOCUMENT, [HEAD, ...texts].join('\n'));
} finally {
  rmSync(record, { recursive: true, force: true });
}
