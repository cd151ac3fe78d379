import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evidence, judge, type NodeRecord, type Trouble } from '../../chaos/verdict.ts';
import type { FileRead } from '../../support/swarm/reader.ts';

const file = (change: Partial<FileRead> = {}): FileRead => ({
  path: 'a',
  start: 0,
  end: 1000,
  waits: [],
  sha256: 'right',
  ...change,
});
const record = (change: Partial<NodeRecord> = {}): NodeRecord => ({
  node: 'n1',
  files: [file()],
  finishedAt: 1000,
  ...change,
});
const trouble = (change: Partial<Trouble> = {}): Trouble => ({
  start: 1000,
  end: 5000,
  stopsReads: true,
  nodes: ['n1'],
  ...change,
});
const judged = (change: Partial<Evidence>) =>
  judge({
    records: [record()],
    expected: { a: 'right' },
    troubles: [],
    calmWaitMs: 0,
    graceMs: 0,
    banned: [],
    ...change,
  });

test('nothing is wrong when every file was read with its bytes', () => {
  assert.deepEqual(judged({}).faults, []);
});

test('wrong bytes, failed reads, files that were not read and nodes that did not finish are faults', () => {
  const fault = (change: Partial<NodeRecord>) => judged({ records: [record(change)] }).faults;
  assert.deepEqual(fault({ files: [file({ sha256: 'other' })] }), ['n1: a has wrong bytes']);
  assert.deepEqual(fault({ files: [file({ sha256: undefined, error: 'EIO' })] }), ['n1: a: EIO']);
  assert.deepEqual(fault({ files: [], finishedAt: undefined }), ['n1: a was not read', 'n1: did not finish']);
});

test('a read may wait as long as the trouble that stops it, and a grace after it', () => {
  const waited = (end: number) => [record({ files: [file({ waits: [[2000, end]] })] })];
  const within = judged({ records: waited(8_900), troubles: [trouble()], graceMs: 2_000 });
  assert.deepEqual([within.faults, within.undueWaitMs, within.longestWaitMs], [[], 3_900, 6_900]);
  const beyond = judged({ records: waited(9_100), troubles: [trouble()], graceMs: 2_000 });
  assert.deepEqual(beyond.faults, ['n1: a read of a waited 4.1 s too long']);
});

test('a read may not wait for trouble that is not its own, or that leaves another source', () => {
  const records = [record({ files: [file({ waits: [[1000, 5000]] })] })];
  assert.equal(judged({ records, troubles: [trouble({ nodes: ['n2'] })] }).faults.length, 1);
  assert.equal(judged({ records, troubles: [trouble({ stopsReads: false })] }).faults.length, 1);
});

test('recovery takes until the last of the nodes that had not finished has read another file', () => {
  const records = [
    record({ node: 'n1', files: [file({ end: 4000 }), file({ end: 5600 })], finishedAt: 9000 }),
    record({ node: 'n2', files: [file({ end: 7000 })], finishedAt: 7000 }),
    record({ node: 'n3', files: [file({ end: 3000 })], finishedAt: 3000 }),
  ];
  assert.equal(judged({ records, troubles: [trouble({ nodes: ['n1', 'n2', 'n3'] })] }).recoveryMs, 2000);
  assert.equal(judged({ records: [record()], troubles: [trouble()] }).recoveryMs, undefined);
});

test('a liar that nobody banned is a fault, and so is an honest peer that somebody banned', () => {
  const faults = (banned: string[], isLiar = true) => judged({ banned, evil: { peerId: 'p', isLiar } }).faults;
  assert.deepEqual(faults(['p']), []);
  assert.deepEqual(faults([]), ['the liar p was not banned']);
  assert.deepEqual(faults(['p'], false), []);
  assert.deepEqual(faults([], false), []);
  assert.deepEqual(faults(['p', 'q']), ['the honest q was banned']);
  assert.deepEqual(judged({ banned: ['q'] }).faults, ['the honest q was banned']);
});
