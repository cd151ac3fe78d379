// The model of a disk (test/power-loss/disk.ts) by itself: what is safe after which operations.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Disk } from '../../power-loss/disk.ts';
import type { Call } from '../../power-loss/recorder.ts';
import type { Operation } from '../../power-loss/recording.ts';
import { SeededRandom } from '../../support/swarm/random.ts';
import { scratch } from './daemon-under-test.ts';

function operation(what: Call, began: number, ended: number, result?: number): Operation {
  return { what, data: new Uint8Array(), began, ended, failed: false, result };
}

const reading = (path: string): Call => ({ call: 'open', path, creates: false, truncates: false });
const creating = (path: string): Call => ({ call: 'open', path, creates: true, truncates: true });

/** How often a file whose name was put there is gone after a cut, of 50. */
function lost(t: Parameters<typeof scratch>[0], operations: readonly Operation[]): number {
  const disk = new Disk('/root');
  disk.play(operations, 100);
  const random = new SeededRandom(1);
  const cuts = Array.from({ length: 50 }, (_, at) => {
    const directory = join(scratch(t), `${at}`);
    disk.cut(random).write(directory);
    return existsSync(directory) && readdirSync(directory).includes('new');
  });
  return cuts.filter(there => !there).length;
}

test('a name is safe when its directory was synced, and not before', t => {
  const named = [operation(creating('/root/new'), 0, 1, 5), operation(reading('/root'), 2, 3, 6)];
  assert.ok(lost(t, named) > 0);
  assert.equal(lost(t, [...named, operation({ call: 'sync', fd: 6 }, 4, 5)]), 0);
});

test('a descriptor that others had while one waited for it is of what was opened last', t => {
  const operations = [
    operation(creating('/root/new'), 0, 1, 5),
    operation(reading('/root'), 2, 7, 6),
    operation(creating('/root/other'), 3, 4, 6),
    operation({ call: 'sync', fd: 6 }, 8, 9),
  ];
  assert.equal(lost(t, operations), 0);
});
