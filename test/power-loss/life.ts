// One life of a daemon's state on disk, with the real store and the real state directory: looks at what an earlier life and
// a cut have left, checks it, goes on with it in every way that a daemon does, and stops. What it has promised on the way it
// notes in the recording, so that the next life can be held to it.

import { join } from 'node:path';
import { type Logger, type StoredBlob, silentLogger } from '../../core/index.ts';
import { DiskStore, defaultStoreLimits } from '../../daemon/index.ts';
import { NodeChunks } from '../../daemon/sharing/local-chunks.ts';
import { type MountRecord, StateDir } from '../../daemon/state-dir.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { SeededRandom } from '../support/swarm/random.ts';
import type { PlayedBlob } from './blobs.ts';
import { mark } from './recorder.ts';
import type { Mark } from './recording.ts';

/** What a life finds must be this. */
export interface Promises {
  /** `layout key:chunk`: safe on the disk. */
  readonly chunks: ReadonlySet<string>;
  readonly mounts: ReadonlySet<string>;
  /** Neither must be there nor must not. */
  readonly unsureMounts: ReadonlySet<string>;
}

export const NO_PROMISES: Promises = { chunks: new Set(), mounts: new Set(), unsureMounts: new Set() };

type Note =
  | { readonly note: 'found'; readonly chunks: readonly string[]; readonly mounts: readonly string[] }
  | { readonly note: 'evicting'; readonly chunk: string }
  | { readonly note: 'mounts change'; readonly id: string }
  | { readonly note: 'mounted' | 'unmounted'; readonly id: string }
  | { readonly note: 'stopped'; readonly chunks: readonly string[] };

function say(note: Note): void {
  mark(note);
}

/** What had been promised when the recording was cut at `end`. `durable`: what the life found was safe. */
export function promisesOf(
  before: Promises,
  marks: readonly Mark[],
  { end, durable }: { readonly end: number; readonly durable: boolean },
): Promises {
  const chunks = new Set(before.chunks);
  const mounts = new Set(before.mounts);
  const unsureMounts = new Set(before.unsureMounts);
  for (const { at, what } of marks) {
    if (at >= end) break;
    const note = what as Note;
    switch (note.note) {
      case 'found':
        if (!durable) break;
        for (const chunk of note.chunks) chunks.add(chunk);
        for (const id of unsureMounts) {
          if (note.mounts.includes(id)) mounts.add(id);
          else mounts.delete(id);
        }
        unsureMounts.clear();
        break;
      case 'evicting':
        chunks.delete(note.chunk);
        break;
      case 'mounts change':
        unsureMounts.add(note.id);
        break;
      case 'mounted':
        mounts.add(note.id);
        unsureMounts.delete(note.id);
        break;
      case 'unmounted':
        mounts.delete(note.id);
        unsureMounts.delete(note.id);
        break;
      case 'stopped':
        for (const chunk of note.chunks) chunks.add(chunk);
    }
  }
  return { chunks, mounts, unsureMounts };
}

export interface Life {
  readonly root: string;
  readonly bootId: string;
  readonly random: SeededRandom;
  readonly promises: Promises;
}

export interface Survey {
  /** Chunks that the store had at the beginning, each read and right. */
  readonly found: number;
}

interface Playing {
  readonly life: Life;
  readonly store: DiskStore;
  readonly clock: ManualClock;
  readonly known: NodeChunks;
  readonly state: StateDir;
  readonly mounts: string[];
  readonly open: { readonly blob: PlayedBlob; stored: StoredBlob }[];
}

/** Throws when a byte is wrong, or when less is there than was promised. */
export async function live(blobs: readonly PlayedBlob[], life: Life): Promise<Survey> {
  const clock = new ManualClock();
  const state = new StateDir(life.root, silentLogger);
  await state.create();
  const mounts = (await state.load()).map(({ id }) => id);
  checkMounts(mounts, life.promises);
  const complaints: string[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (message, fields) => complaints.push(`${message}: ${JSON.stringify(fields)}`),
  };
  const store = new DiskStore(
    { clock, log },
    { directory: state.paths.cache, bootId: life.bootId, limits: { ...defaultStoreLimits, workers: 1 } },
  );
  const playing: Playing = { life, store, clock, known: new NodeChunks(silentLogger), state, mounts, open: [] };
  try {
    for (const blob of blobs) {
      const stored = await store.open(blob.layout);
      playing.known.add(stored);
      playing.open.push({ blob, stored });
    }
    const found = await check(playing);
    for (const chunk of life.promises.chunks) {
      if (!found.includes(chunk)) throw new Error(`chunk ${chunk} was safe on the disk and is gone`);
    }
    say({ note: 'found', chunks: found, mounts });
    await play(playing);
    await fill(playing);
    const all = await check(playing);
    await store.stop();
    if (complaints.length > 0) throw new Error(complaints.join('; '));
    say({ note: 'stopped', chunks: all });
    return { found: found.length };
  } finally {
    await store.stop();
  }
}

function checkMounts(found: readonly string[], { mounts, unsureMounts }: Promises): void {
  const lost = [...mounts].filter(id => !found.includes(id) && !unsureMounts.has(id));
  const back = found.filter(id => !mounts.has(id) && !unsureMounts.has(id));
  if (lost.length + back.length > 0) throw new Error(`mounts lost: ${lost.join()}; came back: ${back.join()}`);
}

/** Reads everything that is said to be there. */
async function check({ open }: Playing): Promise<string[]> {
  const found: string[] = [];
  for (const { blob, stored } of open) {
    for (let index = 0; index < blob.layout.chunkCount; index++) {
      if (!stored.map.has(index)) continue;
      const bytes = await stored.read(index);
      const name = nameOf(stored, index);
      if (bytes === undefined || !blob.plain(index).equals(bytes)) {
        throw new Error(`wrong bytes: chunk ${name}${bytes?.every(byte => byte === 0) ? ', zeros' : ''}`);
      }
      found.push(name);
    }
  }
  return found;
}

function nameOf({ layout }: StoredBlob, index: number): string {
  return `${layout.layoutKey.slice(0, 8)}:${index}`;
}

/** Some rounds of a daemon's work; what is in one round goes on at the same time. */
async function play(playing: Playing): Promise<void> {
  const { random } = playing.life;
  for (let round = 0, rounds = 3 + random.below(8); round < rounds; round++) {
    const steps = Array.from({ length: 1 + random.below(8) }, () => oneStep(playing));
    await Promise.all(steps.map(step => step()));
    const member = playing.open[random.below(playing.open.length)];
    if (member !== undefined && random.next() < 0.2) await reopen(playing, member);
  }
}

function oneStep(playing: Playing): () => Promise<unknown> {
  const { life, clock, known, open } = playing;
  const { random } = life;
  const chance = random.next();
  if (chance < 0.12) return () => clock.advance(defaultStoreLimits.mapFlushMs);
  if (chance < 0.24) return () => clock.advance(defaultStoreLimits.syncMs);
  if (chance < 0.32) return changeMounts(playing);
  const member = open[random.below(open.length)];
  if (member === undefined) return async () => {};
  const { blob, stored } = member;
  const index = blob.chunks[random.below(blob.chunks.length)] ?? 0;
  if (chance < 0.5) {
    return async () => {
      say({ note: 'evicting', chunk: nameOf(stored, index) });
      await stored.evict(index);
    };
  }
  if (chance < 0.6) return async () => known.copy(stored, index);
  return () => stored.put(blob.payload(index));
}

/** The last holder closes, and somebody comes again: the files are let go and opened anew, or kept. */
async function reopen({ store, known }: Playing, member: Playing['open'][number]): Promise<void> {
  await member.stored.close();
  member.stored = await store.open(member.blob.layout);
  known.add(member.stored);
}

function changeMounts({ life, state, mounts }: Playing): () => Promise<void> {
  const { random } = life;
  const gone = random.next() < 0.5 ? mounts.pop() : undefined;
  if (gone !== undefined) {
    return async () => {
      say({ note: 'mounts change', id: gone });
      await state.remove(gone);
      say({ note: 'unmounted', id: gone });
    };
  }
  const record = recordOf(random);
  return async () => {
    say({ note: 'mounts change', id: record.id });
    await state.add(record);
    mounts.push(record.id);
    say({ note: 'mounted', id: record.id });
  };
}

function recordOf(random: SeededRandom): MountRecord {
  const id = Array.from({ length: 16 }, () => random.below(16).toString(16)).join('');
  return {
    id,
    reference: 'registry.test/image:one',
    manifestDigest: `sha256:${id.repeat(4)}`,
    mountpoint: join('/mnt', id),
    writable: false,
    mountedAt: 0,
  };
}

/** Most lives end with everything there, and right. */
async function fill({ life, open }: Playing): Promise<void> {
  if (life.random.next() < 0.2) return;
  const all = open.flatMap(({ blob, stored }) => blob.chunks.map(index => stored.put(blob.payload(index))));
  await Promise.all(all);
}
