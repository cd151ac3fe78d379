// What is offered at the end of a command line that is being typed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offer } from '../../../cli/completion/candidates.ts';
import { LOG_LEVELS } from '../../../cli/logger.ts';
import { buildProgram } from '../../../cli/program.ts';
import { DRIVER_NAMES } from '../../../core/index.ts';

const program = buildProgram({
  env: {},
  signal: new AbortController().signal,
  leaveSignalsToProgram: () => ({ [Symbol.dispose]: () => {} }),
  setExitCode: () => {},
});

/** The words offered, or the kind of the offer when it is no words. */
function offered(...words: string[]): readonly string[] | string {
  const found = offer(program, words);
  return found.kind === 'words' ? found.words.map(({ value }) => value) : found.kind;
}

const CASES: readonly (readonly [readonly string[], readonly string[] | string])[] = [
  [['ins'], ['inspect']],
  [['--root', '/x', 'hist'], ['history']],
  [['--json', 'hist'], ['history']],
  [['ps', '--wa'], ['--watch']],
  [['ps', '--ro'], ['--root']],
  [['--log-level', ''], LOG_LEVELS],
  [['ps', '--log-level', 'w'], ['warn']],
  [['--log-level=w'], ['warn']],
  [['--log-level', '=', 'w'], ['warn']],
  [['--log-level', '='], LOG_LEVELS],
  [
    ['mount', '--driver', ''],
    ['auto', ...DRIVER_NAMES],
  ],
  [['--config', ''], 'files'],
  [['mount', 'registry.example/app', ''], 'files'],
  [['unpack', '--devices', ''], 'files'],
  [['convert', '--workers', ''], []],
  [['umount', ''], 'mountpoints'],
  [['umount', '--force', ''], 'mountpoints'],
  [['umount', '/mnt', ''], []],
  [
    ['daemon', ''],
    ['holder', 'stop'],
  ],
  [
    ['cluster', ''],
    ['init', 'id', 'certify', 'revoke', 'show', 'help'],
  ],
  [['cluster', 'certify', '--key', ''], 'files'],
  [
    ['cluster', 'certify', '--role', ''],
    ['peer', 'scheduler'],
  ],
  [['cluster', 'show', ''], 'files'],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['run', 'image', '--r'], 'files'],
  [
    ['run', '--r'],
    ['--rm', '--runtime', '--read-deadline', '--root'],
  ],
  [['daemon', 'stop', '--exit'], []],
  [['ps', '--ver'], []],
  [['ps', '--hel'], ['--help']],
  [['nonsense', ''], []],
  [['complet'], ['completion']],
];
for (const [words, expected] of CASES) {
  test(`shoal ${words.join(' ')} goes on with ${typeof expected === 'string' ? expected : expected.join(', ') || 'nothing'}`, () => {
    const found = offered(...words);
    assert.deepEqual(
      typeof found === 'string' ? found : [...found].sort(),
      typeof expected === 'string' ? expected : [...expected].sort(),
    );
  });
}

test('every command is offered with its description', () => {
  const found = offer(program, ['']);
  assert.ok(found.kind === 'words' && found.words.length > 12);
  for (const { value, description } of found.words) assert.ok(description.length > 10, value);
});
