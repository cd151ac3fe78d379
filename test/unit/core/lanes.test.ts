import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LaneQueue } from '../../../core/index.ts';

function makeQueue(total: number, perLane = { demand: total, trace: total, background: total }) {
  const started: string[] = [];
  const done = new Map<string, () => void>();
  const queue = new LaneQueue<string>({ total, perLane }, (item, _lane, finish) => {
    started.push(item);
    done.set(item, finish);
  });
  return { queue, started, finish: (item: string) => done.get(item)?.() };
}

test('a demand that comes last starts before everything that waits in lower lanes', () => {
  const { queue, started, finish } = makeQueue(1);
  queue.enqueue('running', 'background');
  queue.enqueue('b', 'background');
  queue.enqueue('t', 'trace');
  queue.enqueue('d', 'demand');
  finish('running');
  finish('d');
  finish('t');
  assert.deepEqual(started, ['running', 'd', 't', 'b']);
});

test('a lane never uses more slots than it is allowed, so demand always finds one', () => {
  const { queue, started } = makeQueue(3, { demand: 3, trace: 2, background: 1 });
  for (const item of ['b1', 'b2', 'b3']) queue.enqueue(item, 'background');
  assert.deepEqual(started, ['b1']);
  queue.enqueue('d1', 'demand');
  queue.enqueue('d2', 'demand');
  assert.deepEqual(started, ['b1', 'd1', 'd2']);
  queue.enqueue('d3', 'demand');
  assert.equal(queue.waiting('demand'), 1);
});

test('an item can be promoted while it waits, but not after it started', () => {
  const { queue, started, finish } = makeQueue(1);
  queue.enqueue('first', 'demand');
  queue.enqueue('later', 'background');
  queue.enqueue('trace', 'trace');
  assert.equal(queue.promote('later', 'demand'), true);
  assert.equal(queue.promote('first', 'demand'), false);
  finish('first');
  assert.deepEqual(started, ['first', 'later']);
});

test('a removed item never starts', () => {
  const { queue, started, finish } = makeQueue(1);
  queue.enqueue('first', 'demand');
  queue.enqueue('gone', 'demand');
  assert.equal(queue.remove('gone'), true);
  assert.equal(queue.remove('gone'), false);
  finish('first');
  assert.deepEqual(started, ['first']);
});

test('finishing twice frees one slot, and work that ends at once does not recurse', () => {
  const { queue, started, finish } = makeQueue(1);
  queue.enqueue('a', 'demand');
  queue.enqueue('b', 'demand');
  queue.enqueue('c', 'demand');
  finish('a');
  finish('a');
  assert.deepEqual(started, ['a', 'b']);
  let runs = 0;
  const instant = new LaneQueue<number>(
    { total: 1, perLane: { demand: 1, trace: 1, background: 1 } },
    (_item, _lane, end) => {
      runs++;
      end();
    },
  );
  for (let item = 0; item < 20_000; item++) instant.enqueue(item, 'demand');
  assert.equal(runs, 20_000);
  assert.equal(instant.running('demand'), 0);
});
