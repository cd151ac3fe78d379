import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PIECE_BYTES, silentLogger } from '../../../../core/index.ts';
import { DiskPieceStore, type DiskPieceStoreOptions } from '../../../../peer/swarm/disk-piece-store.ts';
import type { PieceBox } from '../../../../peer/swarm/piece-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';

function open(t: TestContext, options: Partial<DiskPieceStoreOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-pieces-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new ManualClock();
  const store = new DiskPieceStore(
    { clock, log: silentLogger },
    { folder, storeBytes: 4 * PIECE_BYTES, unwrittenBytes: 4 * PIECE_BYTES, fullDiskMs: 10_000, ...options },
  );
  const box = () => {
    const lost: number[] = [];
    const opened = store.open(pieces => lost.push(...pieces));
    t.after(() => opened.close());
    return { box: opened, lost };
  };
  return { store, folder, clock, box };
}

const bytesOf = (piece: number, length = PIECE_BYTES) => new Uint8Array(length).fill(piece + 1);

/** Puts pieces, and waits until they are on disk: then no longer the same object is read. */
async function put(box: PieceBox, pieces: readonly number[]): Promise<void> {
  for (const piece of pieces) {
    const bytes = bytesOf(piece);
    assert.ok(box.put(piece, bytes));
    await until(async () => (await box.get(piece)) !== bytes, `piece ${piece} on disk`);
  }
}

test('a piece can be read at once, and from disk; the file has no name', async t => {
  const { store, folder, box } = open(t);
  const { box: one } = box();
  const bytes = bytesOf(5, 1000);
  assert.ok(one.put(5, bytes));
  assert.equal(await one.get(5), bytes);
  await until(async () => (await one.get(5)) !== bytes, 'the piece on disk');
  assert.deepEqual(await one.get(5), bytes);
  assert.equal(await one.get(4), undefined);
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(store.storedBytes, 1000);
});

test('the blob used longest ago makes room, as a whole; those in use only when nothing else is left', async t => {
  const { store, box } = open(t);
  const { box: old, lost: oldLost } = box();
  const { box: idle, lost: idleLost } = box();
  const { box: busy, lost: busyLost } = box();
  await put(old, [0]);
  await put(idle, [0]);
  await put(busy, [0, 1]);
  old.setInUse(false);
  idle.setInUse(false);
  await old.get(0); // used later than the other
  await put(busy, [2]);
  assert.deepEqual([idleLost, oldLost], [[0], []]);
  await put(busy, [3]);
  assert.deepEqual(oldLost, [0]);
  assert.deepEqual(busyLost, []);
  await put(busy, [4]);
  assert.deepEqual(busyLost, [0]);
  assert.deepEqual(await busy.get(1), bytesOf(1));
  assert.deepEqual(await busy.get(4), bytesOf(4));
  assert.equal(store.storedBytes, 4 * PIECE_BYTES);
});

test('more than may wait for the disk is not kept', async t => {
  const { box } = open(t, { unwrittenBytes: 2 * PIECE_BYTES });
  const { box: one } = box();
  assert.deepEqual(
    [0, 1, 2].map(piece => one.put(piece, bytesOf(piece))),
    [true, true, false],
  );
  await until(() => one.put(2, bytesOf(2)), 'room again');
});

test('a disk that takes nothing loses pieces, is left alone for a while, and is tried again', async t => {
  const { store, folder, clock, box } = open(t);
  rmSync(folder, { recursive: true });
  const { box: one, lost } = box();
  assert.ok(one.put(0, bytesOf(0)));
  await until(() => lost.length === 1, 'the piece to be lost');
  assert.equal(await one.get(0), undefined);
  assert.equal(one.put(1, bytesOf(1)), false);
  assert.equal(store.storedBytes, 0);
  await clock.advance(10_001);
  assert.ok(one.put(1, bytesOf(1)));
});

test('what was dropped or closed gives its room back, also while it is being written', async t => {
  const { store, box } = open(t);
  const { box: one } = box();
  assert.ok(one.put(0, bytesOf(0)));
  one.drop([0]);
  assert.equal(await one.get(0), undefined);
  await until(() => store.storedBytes === 0, 'the room of a dropped piece');
  await put(one, [1, 2]);
  one.drop([1]);
  assert.equal(store.storedBytes, PIECE_BYTES);
  assert.ok(one.put(3, bytesOf(3)));
  one.close();
  assert.equal(one.put(4, bytesOf(4)), false);
  await until(() => store.storedBytes === 0, 'the room of a closed box');
});

test('a piece that is read while another takes its slot is given right or not at all', async t => {
  const { box } = open(t, { storeBytes: PIECE_BYTES });
  const { box: one } = box();
  await put(one, [0]);
  for (let piece = 1; piece < 50; piece++) {
    const readings = [one.get(piece - 1), one.get(piece - 1), one.get(piece - 1)];
    const bytes = bytesOf(piece);
    assert.ok(one.put(piece, bytes));
    for (const reading of [...readings, one.get(piece - 1)]) {
      const read = await reading;
      if (read !== undefined) assert.deepEqual(read, bytesOf(piece - 1));
    }
    await until(async () => (await one.get(piece)) !== bytes, `piece ${piece} on disk`);
  }
});
