// Decisions of the upload side: whose turn it is, who is told that it is busy, and how fast bytes may go.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fullBucket, pay } from '../../../peer/transport/upload/rate-limit.ts';
import { admitted, TurnQueue } from '../../../peer/transport/upload/turns.ts';

const all = () => true;

/** Takes everything out, in order. */
function drain(queue: TurnQueue<string>, isReady: (child: string) => boolean = all): string[] {
  const order: string[] = [];
  for (let next = queue.next(isReady, all); next !== undefined; next = queue.next(isReady, all)) order.push(next.item);
  return order;
}

suite('turns', () => {
  test('children take turns, each in the order of its asking', () => {
    const queue = new TurnQueue<string>();
    for (const key of ['1', '2', '3', '4']) queue.add('a', key, 'demand', `a${key}`);
    for (const key of ['1', '2']) queue.add('b', key, 'demand', `b${key}`);
    queue.add('c', '1', 'demand', 'c1');
    assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
    assert.equal(queue.size, 0);
  });

  test('demand goes before traces, traces before background, whoever asks', () => {
    const queue = new TurnQueue<string>();
    queue.add('a', '1', 'background', 'background');
    queue.add('b', '1', 'trace', 'trace');
    queue.add('a', '2', 'demand', 'demand');
    assert.deepEqual(drain(queue), ['demand', 'trace', 'background']);
  });

  test('who asks for much makes the queue longer for himself, and for others by his turns', () => {
    const queue = new TurnQueue<string>();
    for (let key = 0; key < 1000; key++) queue.add('greedy', `${key}`, 'demand', '');
    assert.equal(queue.lengthFor('new'), 1);
    for (const key of ['1', '2']) queue.add('modest', key, 'demand', '');
    assert.equal(queue.lengthFor('modest'), 2 + 3);
    assert.equal(queue.lengthFor('new'), 2);
    assert.equal(queue.lengthFor('greedy'), 1002);
  });

  test('what is asked again moves up, never down, and counts once', () => {
    const queue = new TurnQueue<string>();
    queue.add('a', '1', 'background', 'first');
    queue.add('a', '2', 'trace', 'second');
    queue.add('a', '1', 'demand', 'first, hurried');
    queue.add('a', '1', 'background', 'never');
    assert.equal(queue.sizeOf('a'), 2);
    assert.deepEqual(drain(queue), ['first, hurried', 'second']);
  });

  test('what is hurried moves up if it waits, and is not queued again if it does not', () => {
    const queue = new TurnQueue<string>();
    queue.add('a', '1', 'trace', 'hurried');
    queue.add('b', '1', 'trace', 'as before');
    queue.add('b', '2', 'demand', 'demand');
    queue.raise('a', '1', 'demand');
    queue.raise('a', '9', 'demand');
    queue.raise('b', '2', 'trace');
    assert.deepEqual(drain(queue), ['demand', 'hurried', 'as before']);
    queue.raise('a', '1', 'demand');
    assert.equal(queue.size, 0);
  });

  test('a child that is not ready loses nothing and holds up nobody', () => {
    const queue = new TurnQueue<string>();
    queue.add('a', '1', 'demand', 'a1');
    queue.add('b', '1', 'background', 'b1');
    assert.deepEqual(
      drain(queue, child => child !== 'a'),
      ['b1'],
    );
    assert.deepEqual(drain(queue), ['a1']);
  });

  test('what may not be taken now is passed over', () => {
    const queue = new TurnQueue<string>();
    queue.add('a', 'c', 'demand', 'chunk');
    queue.add('a', 'p', 'demand', 'piece');
    assert.equal(queue.next(all, item => item !== 'chunk')?.item, 'piece');
    assert.equal(queue.sizeOf('a'), 1);
  });

  test('what is removed does not come, also all of a child', () => {
    const queue = new TurnQueue<string>();
    for (const child of ['a', 'b']) for (const key of ['1', '2']) queue.add(child, key, 'trace', `${child}${key}`);
    assert.equal(queue.remove('a', '1'), 'a1');
    assert.equal(queue.remove('a', '1'), undefined);
    queue.removeAll('b');
    assert.deepEqual([queue.size, queue.sizeOf('b')], [1, 0]);
    assert.deepEqual(drain(queue), ['a2']);
  });
});

test('requests are taken up to the bound of all children and of one', () => {
  const bounds = { all: 100, ofChild: 10 };
  assert.equal(admitted(5, { all: 0, ofChild: 0 }, bounds), 5);
  assert.equal(admitted(50, { all: 0, ofChild: 0 }, bounds), 10);
  assert.equal(admitted(5, { all: 98, ofChild: 0 }, bounds), 2);
  assert.equal(admitted(5, { all: 120, ofChild: 12 }, bounds), 0);
});

suite('byte rate', () => {
  const RATE = 1_000_000;

  test('over any time no more goes than was earned, and one burst', () => {
    let state = fullBucket(RATE, 0);
    let now = 0;
    let sent = 0;
    for (let piece = 0; piece < 200; piece++) {
      const paid = pay(state, 65_536, RATE, now);
      state = paid.state;
      now += paid.waitMs;
      sent += 65_536;
      assert.ok(sent <= 250_000 + (RATE * now) / 1000 + 1, `${sent} bytes after ${now} ms`);
    }
    assert.ok(now > 12_000 && now < 13_200, `${now} ms`);
  });

  test('a pause earns no more than a burst', () => {
    const { state } = pay(fullBucket(RATE, 0), 250_000, RATE, 0);
    assert.equal(pay(state, 250_000, RATE, 3_600_000).waitMs, 0);
    const after = pay(state, 250_000, RATE, 3_600_000).state;
    assert.equal(pay(after, 100_000, RATE, 3_600_000).waitMs, 100);
  });

  test('a rate below a piece per burst still lets a whole piece go', () => {
    const paid = pay(fullBucket(1_000, 0), 65_536, 1_000, 0);
    assert.equal(paid.waitMs, 0);
    assert.equal(pay(paid.state, 65_536, 1_000, 0).waitMs, 65_536);
  });
});
