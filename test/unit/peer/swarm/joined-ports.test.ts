import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CachedChunks, isShoalError, parseDigest, type RangeReader, ShoalError } from '../../../../core/index.ts';
import { JoinedPorts } from '../../../../peer/swarm/joined-ports.ts';

const BLOB = { digest: parseDigest(`sha256:${'a'.repeat(64)}`), size: 100 };
const RANGE = { offset: 0, length: 4 };
const PLACE = { offset: 0, compressedSize: 4, uncompressedSize: 4 };
const signal = new AbortController().signal;

function reader(name: string, parts: readonly number[][], error?: ShoalError): RangeReader {
  return {
    name,
    async *readRange() {
      for (const part of parts) yield new Uint8Array(part);
      if (error !== undefined) throw error;
    },
  };
}

async function read(ports: JoinedPorts): Promise<number[]> {
  const all: number[] = [];
  for await (const bytes of ports.origin.readRange(BLOB, RANGE, { signal })) all.push(...bytes);
  return all;
}

function cache(first: number): CachedChunks & { changed: () => void; listeners: number } {
  const listeners = new Set<() => void>();
  return {
    covers: range => range.offset === first,
    onChange: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pack: async place => (place.offset === first ? new Uint8Array([first]) : undefined),
    changed: () => {
      for (const listener of listeners) listener();
    },
    get listeners() {
      return listeners.size;
    },
  };
}

test('an origin that refuses is followed by that of the next who joined, and by nobody who left', async () => {
  const ports = new JoinedPorts();
  ports.add({ origin: reader('refused', [], new ShoalError('unauthorized', '403')) });
  const leave = ports.add({
    origin: reader('good', [
      [1, 2],
      [3, 4],
    ]),
  });
  assert.deepEqual(await read(ports), [1, 2, 3, 4]);
  leave();
  await assert.rejects(read(ports), error => isShoalError(error, 'unauthorized'));
});

test('an origin that breaks off half-way is not followed by another', async () => {
  const ports = new JoinedPorts();
  ports.add({ origin: reader('broken', [[1]], new ShoalError('unreachable', 'reset')) });
  ports.add({ origin: reader('good', [[1, 2, 3, 4]]) });
  await assert.rejects(read(ports), error => isShoalError(error, 'unreachable'));
});

test('when all have left there is no origin', async () => {
  await assert.rejects(read(new JoinedPorts()), error => isShoalError(error, 'unreachable'));
});

test('a chunk is given by the first cache that has it, and changes of all are told until they leave', async () => {
  const ports = new JoinedPorts();
  let changes = 0;
  ports.chunks.onChange(() => changes++);
  const [one, two] = [cache(0), cache(8)];
  ports.add({ origin: reader('a', []), chunks: one });
  const leave = ports.add({ origin: reader('b', []), chunks: two });
  assert.equal(changes, 2);
  two.changed();
  assert.equal(changes, 3);
  assert.deepEqual(await ports.chunks.pack({ ...PLACE, offset: 8 }, { signal }), new Uint8Array([8]));
  assert.ok(ports.chunks.covers({ offset: 8, length: 1 }));
  leave();
  assert.deepEqual([changes, two.listeners, ports.chunks.covers({ offset: 8, length: 1 })], [4, 0, false]);
  assert.equal(await ports.chunks.pack({ ...PLACE, offset: 8 }, { signal }), undefined);
});
