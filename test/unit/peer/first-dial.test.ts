import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitTurnToDial, type DialledNode } from '../../../peer/transport/first-dial.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A node named "m", and what it hears of. */
class Node extends EventTarget {
  readonly peerId = 'm';
  readonly connections: { readonly remotePeer: string }[] = [];

  getConnections(): unknown[] {
    return this.connections;
  }

  comes(remotePeer: string): void {
    this.connections.push({ remotePeer });
    this.dispatchEvent(new CustomEvent('connection:open', { detail: { remotePeer } }));
  }
}

function waiting(peerId: string, signal = new AbortController().signal) {
  const node = new Node();
  const clock = new ManualClock();
  let isOver = false;
  const turn = awaitTurnToDial(peerId, { libp2p: node as unknown as DialledNode, clock }, signal).then(() => {
    isOver = true;
  });
  return { node, clock, turn, isOver: () => isOver };
}

test('the one with the smaller peer id dials at once', async () => {
  await waiting('z').turn;
});

test('the other waits until it was dialled', async () => {
  const { node, turn, isOver } = waiting('a');
  node.comes('b');
  await Promise.resolve();
  assert.ok(!isOver(), 'that was somebody else');
  node.comes('a');
  await turn;
});

test('the other dials after all when nobody came', async () => {
  const { clock, turn, isOver } = waiting('a');
  await clock.advance(499);
  assert.ok(!isOver());
  await clock.advance(2);
  await turn;
});

test('a link that is not needed any more waits for nobody', async () => {
  const released = new AbortController();
  const { turn } = waiting('a', released.signal);
  released.abort();
  await turn;
});
