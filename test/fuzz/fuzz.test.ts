// A bounded, seeded fuzz run over everything that reads what others wrote: the same inputs every time. The long run with
// other seeds is a command: sh scripts/with-node.sh scripts/fuzz.ts --minutes 10 --seed N

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ShoalError } from '../../core/index.ts';
import { type FuzzTarget, fuzz, judge, MAX_RUN_MS } from './fuzzing.ts';
import { TARGETS } from './targets/index.ts';

const SEED = 20_240_817;
/** A hang must fail its test, not the run. */
const TIMEOUT_MS = 120_000;
/** Inputs that are all refused at the door, or all harmless, would test nothing. */
const MIN_SHARE = 0.02;

for (const target of TARGETS) {
  const allowed = target.allows.length > 0 ? `an error of ${target.allows.join(', ')}` : 'no error';
  test(`${target.runs} fuzzed inputs for ${target.name} bring a result or ${allowed}, in bounded time and memory`, {
    timeout: TIMEOUT_MS,
  }, async t => {
    const { taken, refused, failure } = await fuzz(target, { seed: SEED, runs: target.runs });
    assert.equal(failure?.report, undefined);
    t.diagnostic(`${target.name}: ${taken} taken, ${refused} refused`);
    assert.ok(taken > target.runs * MIN_SHARE, `only ${taken} inputs got through`);
    if (target.allows.length > 0) assert.ok(refused > target.runs * MIN_SHARE, `only ${refused} were refused`);
  });
}

test('the oracle lets nothing pass but results and allowed errors, in time', async () => {
  const base = { name: 'oracle', runs: 1, input: fc.uint8Array(), allows: ['malformed'] } as const;
  const of = (run: FuzzTarget['run']): FuzzTarget => ({ ...base, run });
  const refusing = (code: 'malformed' | 'internal', message: string) =>
    of(() => {
      throw new ShoalError(code, message);
    });
  const input = new Uint8Array();
  assert.equal(
    await judge(
      of(() => {}),
      input,
    ),
    'taken',
  );
  assert.equal(await judge(refusing('malformed', 'wrong'), input), 'refused');
  await assert.rejects(judge(refusing('internal', 'a bug'), input), { code: 'internal' });
  await assert.rejects(judge(refusing('malformed', ''), input), /without a message/);
  await assert.rejects(
    judge(
      of(() => assert.fail('wrong result')),
      input,
    ),
    /wrong result/,
  );
  const slow = of(() => {
    for (const end = performance.now() + MAX_RUN_MS + 50; performance.now() < end; );
  });
  await assert.rejects(judge(slow, input), /took \d+ ms/);
  const kept: Uint8Array[] = [];
  const greedy = of(() => {
    for (let i = 0; i < 16; i++) kept.push(new Uint8Array(64 << 20));
  });
  await assert.rejects(judge(greedy, input), /bytes of memory/);
});

test('a seed gives the same inputs again, and a failure its smallest input', async () => {
  const inputs: string[][] = [];
  const target: FuzzTarget = {
    name: 'replay',
    runs: 50,
    input: fc.uint8Array({ maxLength: 20 }),
    allows: [],
    run: input => assert.ok(!input.includes(7)),
  };
  for (let round = 0; round < 2; round++) {
    const seen: string[] = [];
    const { failure } = await fuzz(target, { seed: 3, runs: 500, onInput: input => seen.push(input.join()) });
    assert.deepEqual(failure?.input, Uint8Array.of(7));
    inputs.push(seen);
  }
  assert.deepEqual(inputs[0], inputs[1]);
});
