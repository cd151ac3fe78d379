import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortedError, ShoalError, silentLogger } from '../../../core/index.ts';
import { defaultServeLimits } from '../../../daemon/config.ts';
import type { MissedRead } from '../../../daemon/fuse/messages.ts';
import { ParkedReads, type ParkedReadsPorts } from '../../../daemon/fuse/parked-reads.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const read = (unique: number, pid = 100): MissedRead => ({
  fd: 7,
  uniqueLow: unique,
  uniqueHigh: 0,
  pid,
  nid: 40,
  offset: 0,
  size: 4096,
});

interface Bench {
  readonly parked: ParkedReads;
  readonly clock: ManualClock;
  readonly answers: string[];
  readonly dying: Set<number>;
  /** Lets all fetches succeed. */
  readonly deliver: () => void;
}

function bench(changes: Partial<ParkedReadsPorts> = {}, readDeadlineMs?: number): Bench {
  const clock = new ManualClock();
  const answers: string[] = [];
  const dying = new Set<number>();
  const delivery = Promise.withResolvers<void>();
  const ports: ParkedReadsPorts = {
    clock,
    log: silentLogger,
    fetch: (_read, signal) =>
      new Promise((resolve, reject) => {
        void delivery.promise.then(resolve);
        signal.addEventListener('abort', () => reject(abortedError(signal)));
      }),
    complete: async ({ uniqueLow }) => {
      answers.push(`${uniqueLow} served`);
      return true;
    },
    fail: ({ uniqueLow }, errno) => answers.push(`${uniqueLow} errno ${errno}`),
    isDying: async pid => dying.has(pid),
    onSlow: () => answers.push('slow'),
    ...changes,
  };
  const parked = new ParkedReads(ports, { limits: defaultServeLimits, readDeadlineMs });
  return { parked, clock, answers, dying, deliver: delivery.resolve };
}

test('a read is served once its chunks are there', async () => {
  const { parked, clock, answers, deliver } = bench();
  parked.park(read(2));
  assert.equal(parked.waiting, 1);
  deliver();
  await clock.advance(0);
  assert.deepEqual(answers, ['2 served']);
  assert.equal(parked.waiting, 0);
});

test('a read whose chunk was evicted before it was read is fetched again', async () => {
  let fetches = 0;
  const outcomes = [false, false, true];
  const { parked, clock } = bench({
    fetch: async () => {
      fetches++;
    },
    complete: async () => outcomes.shift() ?? true,
  });
  parked.park(read(2));
  await clock.advance(0);
  assert.equal(fetches, 3);
  assert.equal(parked.waiting, 0);
});

test('an interrupt ends a read only when its requester is being killed, however late that is', async () => {
  const { parked, clock, answers, dying } = bench();
  parked.park(read(2));
  parked.park(read(4, 200));
  dying.add(200);
  parked.interrupt(2, 0);
  await clock.advance(5000);
  assert.deepEqual(answers, [], 'one is alive, and nobody interrupted the other');
  dying.add(100);
  await clock.advance(defaultServeLimits.killPollMs);
  assert.deepEqual(answers, ['2 errno 4']);
  assert.equal(parked.waiting, 1);
});

test('an interrupt that overtakes its read is remembered', async () => {
  const { parked, clock, answers, dying } = bench();
  dying.add(100);
  parked.interrupt(2, 0);
  parked.park(read(2));
  await clock.advance(0);
  assert.deepEqual(answers, ['2 errno 4']);
});

test('with a deadline a read fails in time with EIO, and a served one leaves no timer', async () => {
  const { parked, clock, answers } = bench({}, 700);
  parked.park(read(2));
  await clock.advance(699);
  assert.deepEqual(answers, []);
  await clock.advance(1);
  assert.deepEqual(answers, ['2 errno 5']);
  const quick = bench({ fetch: async () => {} }, 700);
  quick.parked.park(read(2));
  quick.parked.stop();
  await quick.clock.advance(0);
  assert.equal(quick.clock.sleeping, 0);
});

test('each read that waits for ten seconds is counted once', async () => {
  const { parked, clock, answers } = bench();
  parked.park(read(2));
  await clock.advance(9_000);
  assert.deepEqual(answers, []);
  await clock.advance(4_000);
  parked.park(read(4));
  await clock.advance(60_000);
  assert.deepEqual(answers, ['slow', 'slow']);
});

test('an error that is no abort is answered with its errno', async () => {
  const { parked, clock, answers } = bench({
    fetch: () => Promise.reject(new ShoalError('malformed', 'no such extent')),
  });
  parked.park(read(2));
  await clock.advance(0);
  assert.deepEqual(answers, ['2 errno 117']);
});

test('when the mount ends nothing is answered and nothing waits', async () => {
  const { parked, clock, answers } = bench();
  parked.park(read(2));
  parked.stop();
  await clock.advance(0);
  assert.deepEqual(answers, []);
  assert.equal(parked.waiting, 0);
  assert.equal(clock.sleeping, 0);
});

test('a read that is handed over when the mount has ended is not fetched', async () => {
  let fetches = 0;
  const { parked, clock, answers } = bench({
    fetch: async () => {
      fetches++;
    },
  });
  parked.stop();
  parked.park(read(2));
  await clock.advance(0);
  assert.equal(fetches, 0);
  assert.equal(parked.waiting, 0);
  assert.deepEqual(answers, []);
});
