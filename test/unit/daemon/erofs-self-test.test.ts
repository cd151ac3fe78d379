// The self-test of EROFS: on this kernel, against kernels that answer as some do, and what is kept of it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { type ErofsBacking, ShoalError, silentLogger, systemClock } from '../../../core/index.ts';
import { defaultDaemonLimits } from '../../../daemon/config.ts';
import { ServerThreads } from '../../../daemon/fuse/server-threads.ts';
import { checkDriver } from '../../../daemon/index.ts';
import { MountHelper, type MountSteps } from '../../../daemon/mount/helper-client.ts';
import { testErofs } from '../../../daemon/self-test/erofs-self-test.ts';
import { ErofsTests } from '../../../daemon/self-test/erofs-tests.ts';
import { judgeFailing, judgeHealed, type TestRead } from '../../../daemon/self-test/verdict.ts';
import { missingLoop } from '../../support/missing.ts';
import { atEnd, openConnections, scratch } from './daemon-under-test.ts';

const skip = (await checkDriver('erofs')).problem ?? false;
const skipLoop = skip || missingLoop();

type Helper = Pick<MountHelper, 'forMount' | 'abort'>;
type Read = Awaited<ReturnType<MountSteps['readFile']>>[number];

const ZEROS: Read = { bytes: Buffer.alloc(4096) };

/** A helper whose reads of EROFS give what `answer` says, and those of the exported file what they give. */
function lyingHelper(answer: (range: { offset: number; length: number }, real: Read) => Read): Helper {
  const helper = new MountHelper({ timeoutMs: defaultDaemonLimits.helperMs });
  return {
    abort: (device, fd) => helper.abort(device, fd),
    forMount: fd => {
      const steps = helper.forMount(fd);
      const readFile: MountSteps['readFile'] = async order => {
        const real = await steps.readFile(order);
        return order.of === 'devices'
          ? real
          : real.map((read, at) => answer(order.ranges[at] ?? { offset: 0, length: 0 }, read));
      };
      return Object.assign(Object.create(steps), { readFile, [Symbol.dispose]: () => steps[Symbol.dispose]() });
    },
  };
}

async function run(t: TestContext, backing: ErofsBacking, helper: Helper = lyingHelper((_, real) => real)) {
  const threads = new ServerThreads();
  atEnd(t, () => threads.stop());
  const directory = join(scratch(t), 'self-test');
  const limit = AbortSignal.timeout(defaultDaemonLimits.selfTestMs);
  try {
    return await testErofs({ clock: systemClock, helper, threads }, { backing, directory }, limit);
  } finally {
    assert.ok(!existsSync(directory));
    assert.equal(openConnections(), 0);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), /self-test/);
  }
}

test('this kernel passes from files, or says that it cannot', { skip }, async t => {
  assert.equal(await run(t, 'file'), undefined);
});

test('this kernel passes by loop devices', { skip: skipLoop }, async t => {
  assert.equal(await run(t, 'loop'), undefined);
});

test('a kernel that takes the end of a read that failed for zeros fails', { skip }, async t => {
  const zeroing = lyingHelper(({ length }, real) => {
    if (!('bytes' in real) || real.bytes.length === length) return real;
    return { bytes: Buffer.concat([real.bytes, Buffer.alloc(length - real.bytes.length)]) };
  });
  assert.match(
    String(await run(t, 'file', zeroing)),
    /^a read that failed after its first page gave zeros from byte 4096/,
  );
});

test('a kernel that keeps what it got wrong fails', { skip }, async t => {
  let calls = 0;
  const poisoned = lyingHelper((_, real) => (calls++ < 2 ? real : { errno: 'EIO' }));
  assert.match(String(await run(t, 'file', poisoned)), /^EIO at byte 0, although the fault was gone/);
});

test('a test that is given up leaves nothing', { skip }, async t => {
  const threads = new ServerThreads();
  atEnd(t, () => threads.stop());
  const directory = join(scratch(t), 'self-test');
  for (const ms of [0, 30, 80, 120, 160, 200]) {
    const helper = new MountHelper({ timeoutMs: defaultDaemonLimits.helperMs });
    const options = { backing: 'file', directory } as const;
    const given = AbortSignal.timeout(ms);
    await testErofs({ clock: systemClock, helper, threads }, options, given).catch(error =>
      assert.equal(error.code, 'timeout', String(error)),
    );
    assert.ok(!existsSync(directory));
    assert.equal(openConnections(), 0);
  }
});

const BYTES = Uint8Array.from({ length: 8192 }, (_, at) => 1 + (at % 255));
const read = (offset: number, length: number, result: TestRead['result']): TestRead => ({ offset, length, result });
const some = (start: number, end: number) => ({ bytes: BYTES.subarray(start, end) });
const EIO = { errno: 'EIO' };

test('of reads that fail, errors and short but right answers are fine, everything else is not', () => {
  const second = read(4096, 4096, EIO);
  assert.equal(judgeFailing([read(0, 8192, some(0, 4096)), second], BYTES), undefined);
  assert.equal(judgeFailing([read(0, 8192, EIO), second], BYTES), undefined);
  const half = { bytes: Uint8Array.from([...BYTES.subarray(0, 4096), ...new Uint8Array(4096)]) };
  assert.match(judgeFailing([read(0, 8192, half), second], BYTES) ?? '', /zeros from byte 4096 on/);
  assert.match(judgeFailing([read(4096, 4096, some(0, 4096)), second], BYTES) ?? '', /wrong bytes from byte 4096 on/);
  assert.match(judgeFailing([read(4096, 4096, { bytes: new Uint8Array() })], BYTES) ?? '', /^the end of the file at/);
  assert.match(judgeFailing([read(0, 8192, some(0, 8192))], BYTES) ?? '', /nothing is known/);
});

test('of reads when the fault is gone, only all bytes will do', () => {
  assert.equal(judgeHealed([read(0, 8192, some(0, 8192))], BYTES), undefined);
  assert.match(judgeHealed([read(0, 8192, some(0, 4096))], BYTES) ?? '', /^4096 of 8192 bytes at 0/);
  assert.match(judgeHealed([read(0, 4096, EIO)], BYTES) ?? '', /^EIO at byte 0/);
  assert.match(judgeHealed([read(0, 4096, { bytes: new Uint8Array(4096) })], BYTES) ?? '', /zeros/);
});

/** Results without a kernel. */
function testsThat(
  t: TestContext,
  test: typeof testErofs,
  limits: { selfTestMs: number; selfTestWaitMs: number },
): ErofsTests {
  const ports = {
    clock: systemClock,
    log: silentLogger,
    helper: lyingHelper(() => ZEROS),
    threads: new ServerThreads(),
  };
  const tests = new ErofsTests({ ...ports, test }, { root: '/nowhere', limits });
  atEnd(t, () => tests.stop());
  return tests;
}

const untilAborted: typeof testErofs = (_ports, _options, given) =>
  new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason)));

test('each backing is tested once, whoever asks and how often', async t => {
  const runs: ErofsBacking[] = [];
  const tests = testsThat(t, async (_, { backing }) => void runs.push(backing), defaultDaemonLimits);
  const asked = [true, false, true].map(patient => tests.problem('file', { patient }));
  assert.deepEqual(await Promise.all(asked), [undefined, undefined, undefined]);
  assert.deepEqual(runs, ['file']);
});

test('where files fail, loop devices are tested beforehand, too', { skip }, async t => {
  const runs: ErofsBacking[] = [];
  const test: typeof testErofs = async (_, { backing }) => {
    runs.push(backing);
    if (backing === 'loop') throw new ShoalError('unsupported', 'there are none');
    return 'zeros';
  };
  const tests = testsThat(t, test, defaultDaemonLimits);
  await tests.prepare();
  assert.deepEqual(runs, ['file', 'loop']);
  assert.equal(await tests.problem('file', { patient: true }), 'the kernel fails the self-test: zeros');
  assert.equal(await tests.problem('loop', { patient: true }), 'there are none');
});

test('who need not have erofs does not wait long; a test that was too slow is made again', async t => {
  let slow = true;
  const test: typeof testErofs = (...call) => (slow ? untilAborted(...call) : Promise.resolve(undefined));
  const tests = testsThat(t, test, { selfTestMs: 60, selfTestWaitMs: 5 });
  const patient = tests.problem('file', { patient: true });
  assert.match((await tests.problem('file', { patient: false })) ?? '', /longer than 5 ms/);
  assert.match((await patient) ?? '', /its self-test was not over within 60 ms/);
  slow = false;
  assert.equal(await tests.problem('file', { patient: true }), undefined);
});

test('a daemon that stops does not wait for a test', async t => {
  const tests = testsThat(t, untilAborted, defaultDaemonLimits);
  const asked = tests.problem('file', { patient: true });
  await tests.stop();
  assert.equal(await asked, 'the daemon is stopping');
});
