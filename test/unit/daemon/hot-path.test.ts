// What a request costs besides the work it asks for: no memory. So the threads that answer never stop to collect any.
// The real server, reader and cache file; the device is /dev/null, which takes every reply.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createChunkMap } from '../../../core/index.ts';
import { FuseDevice, MAX_READ_BYTES } from '../../../daemon/fuse/device.ts';
import { InHeader, NODE_ID_OFFSET, Op, OutHeader } from '../../../daemon/fuse/protocol.ts';
import { ReadServer } from '../../../daemon/fuse/read-server.ts';
import { RequestServer } from '../../../daemon/fuse/request-server.ts';
import { TreeNodes } from '../../../daemon/fuse/tree-nodes.ts';
import { SharedCounters } from '../../../daemon/shared-counters.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { directory } from '../image/image-builder.ts';
import { atEnd, scratch } from './daemon-under-test.ts';
import { content, makeImage } from './lazy-image.ts';

const REQUESTS = 20_000;
/** The smallest object takes 12 bytes, so one in a request would show as at least this many times that. */
const MOST_BYTES = REQUESTS;
/** Something else in the process (a compiler's thread) may allocate during one of them. */
const ATTEMPTS = 10;

/** Growth of the heap while `work` runs many times: the first that is below MOST_BYTES, or the least. */
function heapGrowth(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least >= MOST_BYTES; attempt++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < REQUESTS; i++) work();
    const growth = process.memoryUsage().heapUsed - before;
    if (growth >= 0) least = Math.min(least, growth); // below, memory was collected in between
  }
  return least;
}

interface Bench {
  readonly server: RequestServer;
  readonly device: FuseDevice;
  readonly root: number;
  readonly file: number;
}

async function bench(t: TestContext): Promise<Bench> {
  const xattrs = new Map([['user.some', Buffer.from('value')]]);
  const image = makeImage(builder =>
    directory({
      file: builder.file(content(100_000, 'file')),
      attributed: builder.file('', { xattrs }),
      ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`entry-${i}`, builder.file('')])),
    }),
  );
  const reader = new BootstrapReader(image.bootstrap);
  const map = createChunkMap(1);
  map.markPresent(0);
  const path = join(scratch(t), 'device');
  writeFileSync(path, image.builder.finish(image.root).blobs[0]?.device ?? '');
  const [cached, sink] = [await open(path), await open('/dev/null', 'r+')];
  for (const handle of [cached, sink]) atEnd(t, () => handle.close());
  const device = new FuseDevice();
  device.fd = sink.fd;
  const refuse = (what: string) => () => assert.fail(what);
  const server = new RequestServer(
    {
      device,
      nodes: new TreeNodes(reader, device),
      reads: new ReadServer(reader, [{ map, fd: cached.fd }], { maxRead: MAX_READ_BYTES }),
      counters: new SharedCounters(),
      onInit: refuse('no INIT was sent'),
      onMiss: refuse('everything is in the cache'),
      onInterrupt: refuse('no INTERRUPT was sent'),
      onWarning: message => assert.fail(message),
    },
    { asyncDirect: false, maxBackground: 1, readaheadBytes: 1, ring: () => false, blocks: 1, inodes: 1 },
  );
  return { server, device, root: reader.rootNid, file: reader.lookup(reader.rootNid, Buffer.from('file')) };
}

/** Puts a request into the device's buffer; its length. */
function put(device: FuseDevice, operation: number, nodeId: number, body: Buffer): number {
  device.request.fill(0);
  device.request[InHeader.OPCODE] = operation;
  device.request[InHeader.UNIQUE] = 2;
  device.request[InHeader.NODE_ID] = nodeId;
  body.copy(device.requestBytes, InHeader.BYTES);
  return InHeader.BYTES + body.length;
}

function readBody(offset: number, size: number): Buffer {
  const body = Buffer.alloc(40);
  body.writeUInt32LE(offset, 8);
  body.writeUInt32LE(size, 16);
  return body;
}

const ROOT = 1;
const NAMES = 22 * 32 + 40; // all but one of `.`, `..` and the 22 files have short names

test('requests that need not wait are answered without allocating', async t => {
  const { server, device, file } = await bench(t);
  const node = file + NODE_ID_OFFSET;
  const requests: readonly [name: string, operation: number, nodeId: number, body: Buffer, answer: number][] = [
    ['LOOKUP', Op.LOOKUP, ROOT, Buffer.from('entry-13\0'), 128],
    ['LOOKUP of what is not there', Op.LOOKUP, ROOT, Buffer.from('entry-13.gone\0'), 128],
    ['GETATTR', Op.GETATTR, node, Buffer.alloc(16), 104],
    ['READ', Op.READ, node, readBody(4096, 8192), 8192],
    ['READ at the end', Op.READ, node, readBody(98_304, 4096), 100_000 - 98_304],
    ['READDIR', Op.READDIR, ROOT, readBody(0, 4096), NAMES + 32],
    ['READDIRPLUS', Op.READDIRPLUS, ROOT, readBody(0, 4096), NAMES + 32 + 24 * 128],
    ['STATFS', Op.STATFS, ROOT, Buffer.alloc(0), 80],
    ['GETXATTR of a file that has none', Op.GETXATTR, node, Buffer.from(`${'\0'.repeat(8)}user.some\0`), 0],
    ['LISTXATTR of a file that has none', Op.LISTXATTR, node, Buffer.alloc(8), 8],
    ['FORGET', Op.FORGET, node, Buffer.alloc(8), -OutHeader.BYTES], // which is not answered
  ];
  for (const [name, operation, nodeId, body, answer] of requests) {
    device.reply[OutHeader.LENGTH] = 0;
    const length = put(device, operation, nodeId, body);
    server.handle(length);
    assert.equal(device.reply[OutHeader.LENGTH], OutHeader.BYTES + answer, `${name}: length of the answer`);
    const growth = heapGrowth(() => server.handle(length));
    assert.ok(growth < MOST_BYTES, `${name}: the heap grew by ${growth} bytes in ${REQUESTS} requests`);
  }
});

test('one object in a request would show', () => {
  const kept: { value: object } = { value: {} };
  const growth = heapGrowth(() => {
    kept.value = { growth: 1 };
  });
  assert.ok(growth >= 12 * REQUESTS, `the heap grew by ${growth} bytes`);
});
