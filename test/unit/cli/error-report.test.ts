import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorReport } from '../../../cli/exit-codes.ts';
import { errorOf, failureOf } from '../../../converter/failure.ts';
import { ShoalError } from '../../../core/index.ts';

test("a user's mistake is one line and its exit code", () => {
  const error = new ShoalError('not-found', 'app:1: no such tag', { cause: new TypeError('inside') });
  assert.deepEqual(errorReport(error), { text: 'app:1: no such tag', exitCode: 66 });
});

test('a bug comes with a stack trace, whoever noticed it', () => {
  for (const error of [new TypeError('oops'), new ShoalError('internal', 'oops')]) {
    const { text, exitCode } = errorReport(error);
    assert.match(text, /^internal error, please report it: .*oops\n +at .*error-report\.test\.ts/);
    assert.equal(exitCode, 70);
  }
});

test('a bug in a thread of a conversion comes with the stack trace of that thread', () => {
  function inTheThread() {
    return failureOf(new RangeError('oops'));
  }
  const { text, exitCode } = errorReport(errorOf(structuredClone(inTheThread())));
  assert.match(text, /^internal error, please report it: .*oops\n +at inTheThread /);
  assert.equal(exitCode, 70);
});

test("what a thread says about wrong input comes without a trace of the thread's", () => {
  const failure = failureOf(new ShoalError('malformed', 'tar: cut off'));
  assert.deepEqual(failure, { kind: 'failed', code: 'malformed', message: 'tar: cut off' });
  assert.deepEqual(errorReport(errorOf(failure)), { text: 'tar: cut off', exitCode: 65 });
});
