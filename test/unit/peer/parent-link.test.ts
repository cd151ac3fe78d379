// A child whose parent dies, falls silent, or does not keep to the protocol.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { PIECE_BYTES } from '../../../core/index.ts';
import { Asked } from '../../../peer/transport/asked.ts';
import { IncomingChunk } from '../../../peer/transport/incoming-chunk.ts';
import { retryMs } from '../../../peer/transport/parent-link.ts';
import { PARENT_BOUNDS, parentCodec } from '../../../peer/transport/pieces-protocol.ts';
import {
  type ChildMessageProperties,
  MessageStream,
  OpenStatus,
  type ParentMessageProperties,
  PIECES_PROTOCOL,
  taskIdOf,
} from '../../../proto/index.ts';
import { makeCluster, type TestCluster } from '../../support/member-nodes.ts';
import { someDigest } from '../../support/memory-served-tasks.ts';
import { Heard, openAt, ShiftedClock, startPeer, until } from '../../support/peers.ts';

const DEMAND = { lane: 'demand', mayFetch: false } as const;
const PIECES = 20;

type Wire = MessageStream<ParentMessageProperties, ChildMessageProperties>;

/** A member that serves by hand: `answer` is called with what the child says. */
async function handMadeParent(
  cluster: TestCluster,
  answer: (message: ChildMessageProperties, wire: Wire, stream: Stream) => void,
) {
  const { node } = await cluster.member();
  await node.libp2p.handle(PIECES_PROTOCOL, stream => {
    const wire: Wire = new MessageStream(stream, parentCodec, PARENT_BOUNDS, {
      onMessage: message => {
        if (message.kind === 'open') wire.send(opened);
        else answer(message, wire, stream);
      },
      onEnd: () => {},
    });
  });
  return { peerId: node.peerId, addresses: node.addresses };
}

const bitmap = new Uint8Array(3).fill(255);
const opened = { opened: { handle: 1, status: OpenStatus.OPEN_OK, pieces: bitmap, chunks: bitmap } };

function open(child: Awaited<ReturnType<typeof startPeer>>, parent: Awaited<ReturnType<typeof handMadeParent>>) {
  const link = child.transport.link(parent);
  const heard = new Heard();
  const digest = someDigest(1);
  const task = link.open({ taskId: taskIdOf(digest), digest, pieceCount: PIECES }, heard);
  return { link, heard, task };
}

async function startParent(t: TestContext, cluster: TestCluster, listen = '/ip4/127.0.0.1/tcp/0') {
  const script = join(import.meta.dirname, 'parent-process.ts');
  const process_: ChildProcess = spawn(
    process.execPath,
    [script, cluster.directory, join(cluster.directory, 'parent'), listen],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => process_.kill('SIGKILL'));
  assert.ok(process_.stdout);
  const [address] = (await once(createInterface(process_.stdout), 'line')) as [string];
  return { process: process_, address, peerId: address.split('/').at(-1) ?? '' };
}

suite('a parent that dies', { timeout: 60_000 }, () => {
  test('fails what it owes within a second, and serves again when it is back', async t => {
    const cluster = await makeCluster(t);
    const child = await startPeer(t, cluster);
    const parent = await startParent(t, cluster);
    const link = child.transport.link({ peerId: parent.peerId, addresses: [parent.address] });
    const heard = new Heard();
    const digest = someDigest(1);
    const task = link.open({ taskId: taskIdOf(digest), digest, pieceCount: 64 }, heard);
    await until(() => heard.opened === 1);
    task.request(
      Array.from({ length: 64 }, (_, piece) => piece),
      DEMAND,
    );
    await until(() => heard.pieces.size > 0);
    parent.process.kill('SIGKILL');
    const killed = performance.now();
    await until(() => heard.downs === 1);
    assert.ok(performance.now() - killed < 1000, `${performance.now() - killed} ms`);
    assert.equal(link.isUp, false);
    const port = /\/tcp\/(\d+)/.exec(parent.address)?.[1];
    const again = await startParent(t, cluster, `/ip4/127.0.0.1/tcp/${port}`);
    assert.equal(again.address, parent.address);
    await until(() => heard.opened === 2);
    task.request([1], DEMAND);
    await until(() => heard.pieces.has(1));
  });
});

suite('a parent that falls silent', { timeout: 60_000 }, () => {
  test('is given up when it owes an answer and says nothing at all', async t => {
    const cluster = await makeCluster(t);
    const clock = new ShiftedClock();
    const child = await startPeer(t, cluster, { clock });
    const parent = await handMadeParent(cluster, () => {});
    const { heard, task } = open(child, parent);
    await until(() => heard.opened === 1);
    clock.aheadMs += 60_000; // nothing is owed: it may be silent as long as it likes
    task.request([1], DEMAND);
    await until(() => {
      clock.aheadMs += 20;
      return heard.downs === 1;
    });
    assert.match(given(child), /owes answers and said nothing for 10 s/);
    await until(() => heard.opened === 2); // it is tried again
  });

  test('is waited for as long as it says that it is there', async t => {
    const cluster = await makeCluster(t);
    const clock = new ShiftedClock();
    const [child, parent] = await Promise.all([startPeer(t, cluster, { clock }), startPeer(t, cluster, { clock })]);
    const served = parent.tasks.add(1, 3, { empty: true });
    served.coming.add(1);
    const { heard, task } = await openAt(child.transport, parent.address, served);
    heard.queue = undefined;
    task.request([1], DEMAND);
    for (let signs = 0; signs < 3; signs++) {
      clock.aheadMs += 2_500;
      await until(() => heard.queue !== undefined);
      heard.queue = undefined;
    }
    served.gain([1]);
    await until(() => heard.pieces.has(1));
    assert.equal(heard.downs, 0);
  });

  test('is seen to send before a piece of it is whole', async t => {
    const cluster = await makeCluster(t);
    const child = await startPeer(t, cluster);
    const piece = parentCodec.encode({ piece: { handle: 1, piece: 1, length: PIECE_BYTES } });
    const part = new Uint8Array(4096);
    const parent = await handMadeParent(cluster, (_message, _wire, stream) => {
      stream.send(Uint8Array.of(0, 0, 0, piece.length, ...piece));
      stream.send(part);
    });
    const { link, heard, task } = open(child, parent);
    await until(() => heard.opened === 1);
    const before = link.receivedBytes;
    task.request([1], DEMAND);
    await until(() => link.receivedBytes >= before + part.length);
    assert.equal(heard.pieces.size, 0);
    link.release();
    await until(() => link.receivedBytes === 0);
  });

  test('is given up when it sends a piece byte by byte', async t => {
    const cluster = await makeCluster(t);
    const clock = new ShiftedClock();
    const child = await startPeer(t, cluster, { clock });
    const piece = parentCodec.encode({ piece: { handle: 1, piece: 1, length: PIECE_BYTES } });
    const parent = await handMadeParent(cluster, (_message, _wire, stream) => {
      stream.send(Uint8Array.of(0, 0, 0, piece.length, ...piece));
      const trickle = setInterval(
        () => (stream.status === 'open' ? stream.send(Uint8Array.of(1)) : clearInterval(trickle)),
        5,
      );
      t.after(() => clearInterval(trickle));
    });
    const { heard, task } = open(child, parent);
    await until(() => heard.opened === 1);
    task.request([1], DEMAND);
    await until(() => {
      clock.aheadMs += 10;
      return heard.downs === 1;
    });
    assert.match(given(child), /one message took more than 30 s/);
    assert.equal(heard.pieces.size, 0);
  });
});

function given(child: Awaited<ReturnType<typeof startPeer>>): string {
  return String(child.log.lines.find(({ message }) => message === 'link given up')?.fields['reason']);
}

suite('a parent that breaks the rules', { timeout: 60_000 }, () => {
  const body = new Uint8Array(PIECE_BYTES);
  const place = { piece: 0, within: 5 };
  const crimes: Record<string, readonly [ParentMessageProperties, Uint8Array | undefined, RegExp]> = {
    'sends a piece that nobody asked for': [
      { piece: { handle: 1, piece: 7, length: PIECE_BYTES } },
      body,
      /7 was not asked for/,
    ],
    'sends a piece that is too short': [
      { piece: { handle: 1, piece: 1, length: 100 } },
      body.subarray(0, 100),
      /piece 1 of 20 with 100 bytes/,
    ],
    'announces more than a piece': [
      { piece: { handle: 1, piece: 1, length: 1 << 30 } },
      undefined,
      /body of 1073741824 bytes/,
    ],
    'refuses what nobody asked for': [
      { refused: { handle: 1, reason: 1, pieces: [9] } },
      undefined,
      /9 was not asked for/,
    ],
    'answers about a task that is not open': [
      { have: { handle: 5, pieces: [1] } },
      undefined,
      /task 5, which is not open/,
    ],
    'says it has pieces that the blob does not have': [
      { have: { handle: 1, pieces: [20] } },
      undefined,
      /piece 20 of a blob of 20/,
    ],
    'sends a bitmap of another size': [
      { opened: { handle: 1, status: 1, pieces: new Uint8Array(9) } },
      undefined,
      /bitmap of 9 bytes/,
    ],
    'sends a chunk that nobody asked for': [
      { chunk: { handle: 1, place, total: 9, position: 0, length: 9 } },
      body.subarray(0, 9),
      /chunk at 5 was not asked for/,
    ],
    'names peers that are none': [
      { refused: { handle: 1, reason: 1, pieces: [1], tryPeers: [new Uint8Array(5)] } },
      undefined,
      /peer id of 5 bytes/,
    ],
  };
  for (const [name, [message, bytes, reason]] of Object.entries(crimes)) {
    test(`and ${name} loses the link, and the log has the reason`, async t => {
      const cluster = await makeCluster(t);
      const child = await startPeer(t, cluster);
      const parent = await handMadeParent(cluster, (_message, wire) => void wire.send(message, bytes));
      const { heard, task } = open(child, parent);
      await until(() => heard.opened === 1);
      task.request([1], DEMAND);
      await until(() => heard.downs === 1);
      const line = child.log.lines.find(each => each.message === 'the parent broke the rules');
      assert.match(String(line?.fields['reason']), reason);
      assert.equal(line?.fields['peer'], parent.peerId);
      assert.equal(heard.pieces.size, 0);
    });
  }

  test('a peer that is another than the one that was meant is not spoken with', async t => {
    const cluster = await makeCluster(t);
    const [child, one, two] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster), startPeer(t, cluster)]);
    const address = one.address.addresses[0]?.split('/p2p/')[0] ?? '';
    const link = child.transport.link({
      peerId: two.address.peerId,
      addresses: [address, one.address.addresses[0] ?? ''],
    });
    await until(() => child.log.lines.some(({ message }) => message === 'link is down'));
    assert.equal(link.isUp, false);
    assert.equal(child.node.memberOf(one.address.peerId), undefined);
  });
});

suite('what was asked', () => {
  test('an answer is wanted once, stray after a cancellation, and otherwise nobody asked', () => {
    const asked = new Asked();
    assert.deepEqual(asked.ask([1, 2, 3]), [1, 2, 3]);
    assert.deepEqual(asked.ask([1, 2]), []);
    assert.deepEqual(asked.cancel([2, 9]), [2]);
    assert.deepEqual(
      [1, 1, 2, 2, 9].map(piece => asked.answer(piece)),
      ['wanted', 'unasked', 'stray', 'unasked', 'unasked'],
    );
    assert.equal(asked.size, 1);
  });

  test('parts of a chunk follow one another, up to what was asked for', () => {
    const part = new Uint8Array(10).fill(1);
    const incoming = new IncomingChunk(25, false);
    assert.equal(incoming.add(part, 0, 20), undefined);
    assert.deepEqual(incoming.add(part, 10, 20), new Uint8Array(20).fill(1));
    assert.throws(() => new IncomingChunk(25, false).add(part, 10, 20), { code: 'malformed' });
    assert.throws(() => new IncomingChunk(25, false).add(part, 0, 26), { code: 'malformed' });
    assert.throws(() => new IncomingChunk(25, false).add(part, 20, 25), { code: 'malformed' });
    assert.throws(() => new IncomingChunk(25, false).add(new Uint8Array(), 0, 20), { code: 'malformed' });
  });

  test('the rest of a chunk that was cancelled is passed over before the new one begins', () => {
    const part = new Uint8Array(10);
    const incoming = new IncomingChunk(25, true);
    assert.equal(incoming.add(part, 10, 20), undefined);
    assert.equal(incoming.add(part, 0, 20), undefined);
    assert.equal(incoming.add(part, 0, 20), undefined);
    assert.equal(incoming.add(part, 10, 20)?.length, 20);
  });

  test('attempts to connect come at a growing pace, never more than 37.5 s apart', () => {
    assert.deepEqual(
      [1, 2, 3, 8, 50].map(failures => retryMs(failures, 0.5)),
      [250, 500, 1000, 30_000, 30_000],
    );
    assert.equal(retryMs(1, 0), 187.5);
    assert.ok(retryMs(99, 0.999) < 37_500);
  });
});
