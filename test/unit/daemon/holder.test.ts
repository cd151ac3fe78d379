// The holder by itself: what it keeps, gives back and refuses.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { silentLogger, systemClock } from '../../../core/index.ts';
import { HolderClient } from '../../../daemon/holder/holder-client.ts';
import { Ask, encodeMessage, HOLDER_SOCKET, MESSAGE_BYTES } from '../../../daemon/holder/protocol.ts';
import { parseResumeRecord } from '../../../daemon/resume-record.ts';
import { holdersBelow } from '../../support/holder.ts';
import { until } from '../../support/until.ts';
import { atEnd, scratch } from './daemon-under-test.ts';

const HOLDER = join(import.meta.dirname, '../../../daemon/holder/holder-process.ts');
const [ONE, TWO] = ['00000000000000aa', '00000000000000bb'];

function clientOf(t: TestContext, root: string): HolderClient {
  const client = new HolderClient({ clock: systemClock, log: silentLogger }, { root, timeoutMs: 10_000 });
  atEnd(t, () => client.leave());
  return client;
}

async function started(t: TestContext): Promise<{ root: string; client: HolderClient }> {
  // Deeper than an address of a socket has room for.
  const root = join(scratch(t), 'a-long-name'.repeat(12));
  mkdirSync(root);
  const client = clientOf(t, root);
  assert.equal(await client.find(), false);
  client.start();
  return { root, client };
}

function devices(t: TestContext, ...paths: readonly string[]): number[] {
  return paths.map(path => {
    const fd = openSync(path, 'r');
    atEnd(t, () => closeSync(fd));
    return fd;
  });
}

test('a holder gives back what it was given, in order, to whoever comes next, and ends with the last mount', async t => {
  const { root, client } = await started(t);
  const [zero = -1, nothing = -1] = devices(t, '/dev/zero', '/dev/null');
  assert.equal(await client.hold(ONE, [zero]), true);
  assert.equal(await client.hold(ONE, [nothing]), true);
  await client.noteDevice(ONE, '0:77');
  client.leave();
  const next = clientOf(t, root);
  assert.equal(await next.find(), true);
  assert.deepEqual(await next.list(), [ONE]);
  const taken = await next.take(ONE);
  assert.equal(taken?.device, '0:77');
  assert.deepEqual(
    taken?.descriptors.map(fd => fstatSync(fd).rdev),
    [fstatSync(zero).rdev, fstatSync(nothing).rdev],
  );
  for (const fd of taken?.descriptors ?? []) atEnd(t, () => closeSync(fd));
  assert.equal(await next.take(TWO), undefined);
  await next.forget(ONE);
  assert.deepEqual(await next.list(), []);
  next.leave();
  await until(() => holdersBelow(root).length === 0, 'it ends');
});

test('a holder takes no more descriptors of a mount than one message can carry', async t => {
  const { client } = await started(t);
  const [fd = -1] = devices(t, '/dev/null');
  assert.equal(
    await client.hold(
      ONE,
      Array.from({ length: 250 }, () => fd),
    ),
    true,
  );
  assert.equal(await client.hold(ONE, [fd, fd, fd, fd]), false);
  const taken = await client.take(ONE);
  assert.equal(taken?.descriptors.length, 250);
  for (const descriptor of taken?.descriptors ?? []) closeSync(descriptor);
});

test('who says something else to a holder is cut off, and others go on', async t => {
  const { root, client } = await started(t);
  const [fd = -1] = devices(t, '/dev/null');
  await client.hold(ONE, [fd]);
  const later = encodeMessage({ what: Ask.FORGET, id: ONE });
  later.writeUInt16LE(9, 4);
  const [directory = -1] = devices(t, root);
  for (const words of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(MESSAGE_BYTES), later]) {
    const socket = connect(`/proc/self/fd/${directory}/${HOLDER_SOCKET}`);
    socket.write(words);
    const answer = await new Promise<Buffer[]>(resolve => {
      const pieces: Buffer[] = [];
      socket.on('data', piece => pieces.push(piece));
      socket.once('error', () => {});
      socket.once('close', () => resolve(pieces));
    });
    assert.deepEqual(answer, []);
  }
  assert.deepEqual(await client.list(), [ONE]);
});

test('when the holder is killed, another one has the same', async t => {
  const { root, client } = await started(t);
  const [fd = -1] = devices(t, '/dev/null');
  await client.hold(ONE, [fd]);
  const [first = 0] = holdersBelow(root);
  process.kill(first, 'SIGKILL');
  await until(async () => {
    const ids = await client.list().catch(() => []); // between the two nobody answers
    return ids.length === 1 && holdersBelow(root)[0] !== first;
  }, 'another one has it');
});

test('a holder that is asked something before a daemon has attached itself is there for it', async t => {
  const root = scratch(t);
  const child = spawn(process.execPath, [HOLDER], { cwd: root, stdio: 'inherit' });
  atEnd(t, () => child.kill('SIGKILL'));
  const client = clientOf(t, root);
  await until(async () => (await client.list().catch(() => undefined)) !== undefined, 'it answers');
  // Its next look at who is there comes after this answer.
  assert.deepEqual(await client.list(), []);
  assert.equal(await client.find(), true);
  client.leave();
  await until(() => child.exitCode === 0, 'it ends when the daemon has left');
});

test('a record that this release does not know is refused, with what it does not know', () => {
  const image = { requested: 'oci:/x', plainHttp: false, insecure: false, layers: [], totalBytes: 0 };
  const terms = {
    minor: 38,
    flags: 0,
    flags2: 0,
    maxReadahead: 0,
    maxBackground: 1,
    maxWrite: 4096,
    maxPages: 256,
  };
  const record = { driver: 'fuse', image, bootstrapBytes: 1, pieces: [], connection: { nodeIds: 1, terms } };
  const problemOf = (value: object): string => {
    const parsed = parseResumeRecord(value);
    return 'problem' in parsed ? parsed.problem : 'none';
  };
  assert.equal(problemOf(record), 'none');
  assert.match(problemOf({ ...record, driver: 'other' }), /another release's \(driver/);
  assert.match(problemOf({ ...record, more: 1 }), /another release's/);
  // Else the tree would be shown to a kernel that asks for devices.
  assert.match(problemOf({ ...record, driver: 'erofs' }), /does not say what the kernel reads from/);
  assert.match(problemOf({ ...record, connection: { nodeIds: 3, terms } }), /node ids are of version 3/);
  const large = { ...terms, maxPages: 512 };
  assert.match(problemOf({ ...record, connection: { nodeIds: 1, terms: large } }), /reads may have 2097152 bytes/);
});
