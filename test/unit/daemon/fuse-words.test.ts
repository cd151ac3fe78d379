// The kernel's structures, field by field.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  getU64,
  nidOf,
  nodeIdOf,
  putAttributes,
  putEntry,
  putNegativeEntry,
  putU64,
} from '../../../daemon/fuse/attributes.ts';
import { negotiate } from '../../../daemon/fuse/negotiation.ts';
import { saysDying } from '../../../daemon/fuse/requester.ts';
import { WorkerBoard } from '../../../daemon/fuse/worker-board.ts';
import { nameList } from '../../../daemon/fuse/xattrs.ts';
import { Counter, SharedCounters } from '../../../daemon/shared-counters.ts';

const inode = {
  nid: 2 ** 33 + 7,
  mode: 0o104755,
  nlink: 3,
  uid: 4_000_000_000,
  gid: 5,
  rdev: 0xabcdef01,
  size: 2 ** 40 + 1,
  mtimeSeconds: -2,
  mtimeNanoseconds: 999_999_999,
};

test('64-bit numbers survive the two words they are written as, negative times included', () => {
  const words = new Uint32Array(2);
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    putU64(words, 0, value);
    assert.equal(getU64(words, 0), value);
  }
  for (const value of [-1, -2, -(2 ** 32), -(2 ** 32) - 5]) {
    putU64(words, 0, value);
    assert.equal(new BigInt64Array(words.buffer)[0], BigInt(value));
  }
});

test('attributes lie where the kernel looks for them', () => {
  const words = new Uint32Array(24);
  putAttributes(words, 2, inode);
  const view = new DataView(words.buffer, 8);
  assert.equal(view.getBigUint64(0, true), BigInt(inode.nid));
  assert.equal(view.getBigUint64(8, true), BigInt(inode.size));
  assert.equal(view.getBigUint64(16, true), BigInt(Math.ceil(inode.size / 512)));
  for (const at of [24, 32, 40]) assert.equal(view.getBigInt64(at, true), -2n);
  for (const at of [48, 52, 56]) assert.equal(view.getUint32(at, true), 999_999_999);
  assert.deepEqual(
    [60, 64, 68, 72, 76, 80].map(at => view.getUint32(at, true)),
    [inode.mode, inode.nlink, inode.uid, inode.gid, inode.rdev, 4096],
  );
});

test('node ids keep 0 and 1 free: 1 is the root, whatever its nid', () => {
  for (const nid of [0, 1, 36, 2 ** 33]) {
    const id = nodeIdOf(nid, 36);
    assert.equal(nidOf(id, 36), nid);
    assert.equal(id === 1, nid === 36);
    assert.notEqual(id, 0);
  }
});

test('entries are valid for ever, those that do not exist as well', () => {
  const words = new Uint32Array(32).fill(0xffffffff);
  putEntry(words, 0, inode, 36);
  assert.equal(getU64(words, 0), inode.nid + 2);
  assert.deepEqual([words[4], words[5], words[6], words[7]], [0x7fffffff, 0, 0x7fffffff, 0]);
  putNegativeEntry(words, 0);
  assert.equal(getU64(words, 0), 0);
  assert.equal(words[4], 0x7fffffff);
  assert.ok(words.subarray(6).every(word => word === 0));
});

/** An INIT request as the kernel sends it. */
function init(major: number, minor: number, flags: number): Uint32Array {
  const words = new Uint32Array(64);
  words.set([major, minor, 131_072, flags], 10);
  return words;
}

test('INIT takes what it wants and is offered, and nothing else', () => {
  const reply = new Uint32Array(64);
  const terms = { hasXattrs: false, asyncDirect: false, maxBackground: 16_384, readaheadBytes: 524_288, ring: false };
  assert.equal(negotiate(init(7, 44, 0xffffffff), reply, terms), 'accepted');
  const [major, minor, readahead, flags = 0, background, maxWrite, granularity, pages] = reply.subarray(4);
  assert.deepEqual([major, minor, readahead], [7, 38, 524_288]);
  assert.deepEqual([background, maxWrite, granularity, pages], [0x40004000, 4096, 1, 256]);
  const POSIX_ACL = 1 << 20;
  const ASYNC_DIO = 1 << 15;
  assert.equal(flags & (POSIX_ACL | ASYNC_DIO), 0);
  assert.notEqual(flags & (1 << 17), 0, 'no OPEN requests');
  negotiate(init(7, 44, 0xffffffff), reply, { ...terms, hasXattrs: true });
  assert.notEqual((reply[7] ?? 0) & POSIX_ACL, 0);
  negotiate(init(7, 44, 0xffffffff), reply, { ...terms, asyncDirect: true });
  assert.notEqual((reply[7] ?? 0) & ASYNC_DIO, 0);
  negotiate(init(7, 44, 1), reply, terms);
  assert.equal(reply[7], 1);
});

test('INIT refuses kernels that are too old and asks newer majors to come down', () => {
  const reply = new Uint32Array(64);
  const terms = { hasXattrs: true, asyncDirect: false, maxBackground: 4096, readaheadBytes: 131_072, ring: false };
  assert.equal(negotiate(init(7, 30, 1), reply, terms), 'refused');
  assert.equal(negotiate(init(6, 99, 1), reply, terms), 'refused');
  assert.equal(negotiate(init(8, 0, 1), reply, terms), 'again');
  assert.equal(reply[4], 7);
});

test('a requester is dying when SIGKILL is pending or it is dead, not for other signals', () => {
  const status = (state: string, own: string, shared: string) =>
    `Name:\tx\nState:\t${state} (x)\nPid:\t5\nSigQ:\t0/1\nSigPnd:\t${own}\nShdPnd:\t${shared}\nSigBlk:\t0000000000000100\n`;
  const none = '0000000000000000';
  assert.equal(saysDying(status('D', none, none)), false);
  assert.equal(saysDying(status('D', '0000000000000100', none)), true);
  assert.equal(saysDying(status('D', none, 'ffffffffffffffff')), true);
  assert.equal(saysDying(status('D', '0000000000004200', '0000000000010000')), false);
  assert.equal(saysDying(status('Z', none, none)), true);
  assert.equal(saysDying(''), false);
});

test('attribute names are listed as byte strings, those of overlayfs left out', () => {
  const names = nameList(['user.\xff', 'trusted.overlay.redirect', 'trusted.overlayish']);
  assert.deepEqual(names, Buffer.from('user.\xff\0trusted.overlayish\0', 'latin1'));
});

test('counters count beyond 32 bits', () => {
  const counters = new SharedCounters();
  new Int32Array(counters.buffer)[0] = -1; // 2^32 - 1
  counters.bump(Counter.HITS);
  counters.bump(Counter.HITS);
  assert.equal(counters.get(Counter.HITS), 2 ** 32 + 1);
  assert.equal(counters.get(Counter.MISSES), 0);
});

test('the board remembers which request each worker works on, with all 64 bits, and where it came from', () => {
  const board = WorkerBoard.forWorkers(2);
  board.assign(0, 20);
  board.assign(1, 21);
  board.begin(1, 0xfffffffe, 0x80000001);
  assert.deepEqual(board.unfinished(1), { fd: 21, uniqueLow: 0xfffffffe, uniqueHigh: 0x80000001 });
  assert.equal(board.unfinished(0), undefined);
  board.end(1);
  assert.equal(board.unfinished(1), undefined);
  assert.deepEqual([board.fd(0), board.fd(1)], [20, 21]);
});
