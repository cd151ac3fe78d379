import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layersOfSwarm } from '../../../cli/swarm-layer.ts';
import {
  type ByteRange,
  digestFromHex,
  type RangeReader,
  type SharedBlob,
  ShoalError,
  type Swarm,
} from '../../../core/index.ts';
import { noise, sha256Hex } from '../../support/fake-blob.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { collect } from '../../support/streams.ts';

const CONTENT = noise(6_500_000, 'layer');
const LAYER: SharedBlob = { digest: digestFromHex(sha256Hex(CONTENT)), size: CONTENT.length };
const { signal } = new AbortController();

const origin: RangeReader = {
  name: 'origin',
  readRange: () => assert.fail('the swarm decides who goes to the origin'),
};

class FakeSwarm implements Swarm {
  readonly joined: SharedBlob[] = [];
  readonly ranges: ByteRange[] = [];
  underWay = 0;
  mostUnderWay = 0;
  left = 0;
  readonly #answer: (range: ByteRange, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;

  constructor(answer: (range: ByteRange, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>) {
    this.#answer = answer;
  }

  join: Swarm['join'] = (blob, ports) => {
    assert.equal(ports.origin, origin);
    this.joined.push(blob);
    return {
      read: async (range, options) => {
        this.ranges.push(range);
        this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
        try {
          assert.equal(options.lane, 'demand');
          const bytes = await this.#answer(range, options.signal);
          return { bytes, tally: { peerBytes: bytes.length, originBytes: 0 } };
        } finally {
          this.underWay--;
        }
      },
      readChunk: () => assert.fail('a layer has no chunks'),
      distrust: () => assert.fail('the layer has a digest'),
      leave: () => this.left++,
    };
  };
}

const rightBytes = async ({ offset, length }: ByteRange) => new Uint8Array(CONTENT.subarray(offset, offset + length));

function read(swarm: FakeSwarm, clock = new ManualClock(), abort = signal): AsyncIterable<Uint8Array> {
  return (
    layersOfSwarm(swarm, { origin, clock })(LAYER, { signal: abort }) ?? assert.fail('the swarm takes every layer')
  );
}

test('a layer is read in order, a few ranges ahead, and left at its end', async () => {
  const swarm = new FakeSwarm(async range => {
    // The first of each four comes last.
    for (let turn = 0; turn < 8 - ((range.offset >> 20) % 4); turn++) await Promise.resolve();
    return rightBytes(range);
  });
  assert.deepEqual(await collect(read(swarm)), CONTENT);
  assert.deepEqual(swarm.joined, [LAYER]);
  assert.deepEqual(
    swarm.ranges.map(({ offset }) => offset),
    Array.from({ length: 7 }, (_, index) => index << 20),
  );
  assert.equal(swarm.mostUnderWay, 4);
  assert.deepEqual([swarm.left, swarm.underWay], [1, 0]);
});

test('what the swarm cannot bring ends the reading, and what was asked for ahead is given up', async () => {
  const swarm = new FakeSwarm((range, ending) =>
    range.offset === 1 << 20
      ? Promise.reject(new ShoalError('unavailable', 'nobody to ask'))
      : range.offset === 0
        ? rightBytes(range)
        : untilAborted(ending),
  );
  await assert.rejects(collect(read(swarm)), { code: 'unavailable' });
  await settled();
  assert.deepEqual([swarm.left, swarm.underWay], [1, 0]);
});

test('a swarm that brings nothing is given up after fifteen seconds', async () => {
  const clock = new ManualClock();
  const swarm = new FakeSwarm((range, ending) => (range.offset === 0 ? rightBytes(range) : untilAborted(ending)));
  const reading = assert.rejects(collect(read(swarm, clock)), { code: 'timeout', message: /within 15000 ms/ });
  // The first range was there at once; now the second is waited for.
  while (swarm.ranges.length < 5) await settled();
  await clock.advance(15_000);
  await reading;
  await settled();
  assert.deepEqual([swarm.left, swarm.underWay], [1, 0]);
});

test('who gives up, or reads no further, leaves nothing under way', async () => {
  const abort = new AbortController();
  const waiting = new FakeSwarm((_range, ending) => untilAborted(ending));
  const reading = assert.rejects(collect(read(waiting, new ManualClock(), abort.signal)), { code: 'aborted' });
  await settled();
  abort.abort();
  await reading;
  const half = new FakeSwarm((range, ending) => (range.offset === 0 ? rightBytes(range) : untilAborted(ending)));
  for await (const bytes of read(half)) {
    assert.equal(bytes.length, 1 << 20);
    break;
  }
  await settled();
  for (const swarm of [waiting, half]) assert.deepEqual([swarm.left, swarm.underWay], [1, 0]);
});

function untilAborted(ending: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    ending.addEventListener('abort', () => reject(new ShoalError('aborted', 'aborted')), { once: true });
  });
}

/** Lets everything go on that can. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
