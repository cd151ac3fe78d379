import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestFromHex, PIECE_BYTES } from '../../../core/index.ts';
import { taskIdOf } from '../../../proto/index.ts';
import { EvilTasks, type Malice } from '../../support/swarm/evil-tasks.ts';

const blob = { digest: digestFromHex('5a'.repeat(32)), size: 3 * PIECE_BYTES + 100 };

function taskOf(malice: Malice) {
  const task = new EvilTasks([blob], malice).find(taskIdOf(blob.digest));
  assert.ok(task);
  return task;
}

test('who sends wrong bytes has every piece, of the right length', async () => {
  const task = taskOf('wrong-bytes');
  assert.ok(task.pieces.isFull);
  assert.equal((await task.readPiece(0))?.length, PIECE_BYTES);
  assert.equal((await task.readPiece(3))?.length, 100);
});

test('a lying bitmap is full, and no piece of it is there', async () => {
  const task = taskOf('lying-bitmap');
  assert.ok(task.pieces.isFull);
  assert.equal(await task.readPiece(1), undefined);
});

test('who is silent has every piece, and no request for one ends', async () => {
  const task = taskOf('silent');
  assert.ok(task.pieces.isFull);
  const later = new Promise(done => setImmediate(done, 'later'));
  assert.equal(await Promise.race([task.readPiece(1), later]), 'later');
});

test('who only asks has nothing', () => {
  assert.equal(taskOf('never-reads').pieces.size, 0);
});

test('tasks of other blobs are not there', () => {
  const other = digestFromHex(randomBytes(32).toString('hex'));
  assert.equal(new EvilTasks([blob], 'wrong-bytes').find(taskIdOf(other)), undefined);
});
