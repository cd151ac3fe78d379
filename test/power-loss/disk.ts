// What a disk may hold after a power cut, by the least that POSIX promises: a change of a file is safe once an fsync or
// fdatasync of that file, begun after the change had ended, has ended; a name once an fsync of its directory has. Anything
// else may be there or not, whatever was done before or after it: each page by itself, in any state that it has had since it
// was last safe, torn between its sectors, or garbage where the disk had nothing yet.

import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { SeededRandom } from '../support/swarm/random.ts';
import type { Operation } from './recording.ts';

const PAGE = 4096;
const SECTOR = 512;

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly size: number }
  | { readonly kind: 'zeros'; readonly offset: number; readonly length: number };

/** `ended` absent: the cut came in the middle of it. */
interface Pending<T> {
  readonly change: T;
  ended: number | undefined;
}

class DiskFile {
  size = 0;
  /** What is safe; a page that is not here was never written. */
  readonly pages = new Map<number, Buffer>();
  pending: Pending<Change>[] = [];

  settle(before: number): void {
    const isSafe = ({ ended }: Pending<Change>) => ended !== undefined && ended < before;
    for (const { change } of this.pending.filter(isSafe)) this.apply(change);
    this.pending = this.pending.filter(one => !isSafe(one));
  }

  apply(change: Change): void {
    for (const page of pagesOf(change, this.pages)) {
      const bytes = this.pages.get(page) ?? Buffer.alloc(PAGE);
      applyToPage(change, page, bytes);
      this.pages.set(page, bytes);
    }
    this.size = sizeAfter(this.size, change);
  }

  /** As every process would see it now. */
  view(): DiskFile {
    const view = this.#safePart();
    for (const { change } of this.pending) view.apply(change);
    return view;
  }

  cut(random: SeededRandom, garbage: boolean): DiskFile {
    const after = this.#safePart();
    const changes = this.pending.map(({ change }) => change);
    const sizes = [this.size];
    for (const change of changes) sizes.push(sizeAfter(sizes.at(-1) ?? 0, change));
    const touched = new Set(changes.flatMap(change => [...pagesOf(change, this.pages, changes)]));
    for (const page of touched) after.pages.set(page, this.#pageAfterCut(page, changes, { random, garbage }));
    after.apply({ kind: 'size', size: oneOf(sizes, random) });
    return after;
  }

  #pageAfterCut(
    page: number,
    changes: readonly Change[],
    { random, garbage }: { readonly random: SeededRandom; readonly garbage: boolean },
  ): Buffer {
    const versions = [this.pages.get(page) ?? Buffer.alloc(PAGE)];
    for (const change of changes) {
      const next = Buffer.from(versions.at(-1) ?? '');
      if (applyToPage(change, page, next)) versions.push(next);
    }
    const chosen = Buffer.from(oneOf(versions, random));
    const isTorn = random.next() < 0.3;
    for (let at = 0; isTorn && at < PAGE; at += SECTOR) oneOf(versions, random).copy(chosen, at, at, at + SECTOR);
    if (garbage && !this.pages.has(page) && random.next() < 0.3) {
      for (let at = 0; at < PAGE; at++) chosen[at] = random.below(256);
    }
    return chosen;
  }

  copy(): DiskFile {
    const copy = this.#safePart();
    copy.pending = this.pending.map(one => ({ ...one }));
    return copy;
  }

  #safePart(): DiskFile {
    const copy = new DiskFile();
    copy.size = this.size;
    for (const [page, bytes] of this.pages) copy.pages.set(page, Buffer.from(bytes));
    return copy;
  }
}

class DiskDirectory {
  names = new Map<string, DiskNode>();
  pending: Pending<{ readonly name: string; readonly node: DiskNode | undefined }>[] = [];

  settle(before: number): void {
    const isSafe = ({ ended }: { readonly ended: number | undefined }) => ended !== undefined && ended < before;
    for (const { change } of this.pending.filter(isSafe)) put(this.names, change.name, change.node);
    this.pending = this.pending.filter(one => !isSafe(one));
  }

  find(name: string): DiskNode | undefined {
    const last = this.pending.findLast(({ change }) => change.name === name);
    return last === undefined ? this.names.get(name) : last.change.node;
  }

  view(): Map<string, DiskNode> {
    const view = new Map(this.names);
    for (const { change } of this.pending) put(view, change.name, change.node);
    return view;
  }

  cut(random: SeededRandom, garbage: boolean): DiskDirectory {
    const after = new DiskDirectory();
    const names = new Set([...this.names.keys(), ...this.pending.map(({ change }) => change.name)]);
    for (const name of names) {
      const bindings = this.pending.filter(({ change }) => change.name === name).map(({ change }) => change.node);
      const node = oneOf([this.names.get(name), ...bindings], random);
      if (node !== undefined) after.names.set(name, node.cut(random, garbage));
    }
    return after;
  }
}

type DiskNode = DiskFile | DiskDirectory;

export class Disk {
  /** What the recorded process called `/` of this disk. */
  readonly #root: string;
  readonly #top: DiskDirectory;
  readonly #open = new Map<number, DiskNode>();
  /** Openings that have not ended where the recording is played; undefined: of something that is not on this disk. */
  #opening: { readonly ended: number; readonly fd: number; readonly node: DiskNode | undefined }[] = [];

  constructor(root: string, top = new DiskDirectory()) {
    this.#root = root;
    this.#top = top;
  }

  /** The same disk, found at another place by the next process. */
  at(root: string): Disk {
    return new Disk(root, this.#top);
  }

  copy(): Disk {
    return new Disk(this.#root, copyOf(this.#top, new Map()));
  }

  /** Everything that began before the place `end`. */
  play(operations: readonly Operation[], end: number): void {
    this.#open.clear();
    this.#opening = [];
    for (const operation of operations) {
      if (operation.began >= end) continue;
      this.#giveDescriptors(operation.began);
      this.#play(operation, end);
    }
  }

  /** The processes end here, the machine goes on: what was in the middle of it has happened or has not. */
  kill(random: SeededRandom): void {
    for (const node of nodesOf(this.#top)) {
      const happened = ({ ended }: { readonly ended: number | undefined }) =>
        ended !== undefined || random.next() < 0.5;
      if (node instanceof DiskFile) node.pending = node.pending.filter(happened);
      else node.pending = node.pending.filter(happened);
      for (const one of node.pending) one.ended = BEFORE_ALL;
    }
  }

  /** What the disk holds when the power is back. */
  cut(random: SeededRandom): Disk {
    return new Disk(this.#root, this.#top.cut(random, random.next() < 0.3));
  }

  /** Makes the directory as a process sees it. */
  write(directory: string): void {
    writeDirectory(this.#top, directory);
  }

  /** Where the directory is not what this disk says: then the recording, or this, is wrong. */
  differences(directory: string): string[] {
    return differencesOf(this.#top, directory);
  }

  #play(operation: Operation, end: number): void {
    const { what, data, failed } = operation;
    const ended = operation.ended !== undefined && operation.ended < end ? operation.ended : undefined;
    if (failed && ended !== undefined) return;
    switch (what.call) {
      case 'open':
        this.#playOpen(what, { ended, result: operation.result });
        break;
      case 'mkdir':
        this.#bind(what.path, new DiskDirectory(), ended, { replace: false });
        break;
      case 'remove':
        this.#bind(what.path, undefined, ended);
        break;
      case 'rename':
        this.#bind(what.to, this.#find(what.from), ended);
        this.#bind(what.from, undefined, ended);
        break;
      case 'sync':
        if (ended !== undefined) this.#open.get(what.fd)?.settle(operation.began);
        break;
      case 'write': {
        const bytes = data.subarray(0, operation.result ?? data.length);
        this.#change(what.fd, { kind: 'write', offset: what.offset, bytes }, ended);
        break;
      }
      case 'truncate':
        this.#change(what.fd, { kind: 'size', size: what.size }, ended);
        break;
      case 'punch':
        this.#change(what.fd, { kind: 'zeros', offset: what.offset, length: what.length }, ended);
    }
  }

  #playOpen(
    what: { readonly path: string; readonly creates: boolean; readonly truncates: boolean },
    { ended, result }: { readonly ended: number | undefined; readonly result: number | undefined },
  ): void {
    let node = this.#isOurs(what.path) ? this.#find(what.path) : undefined;
    if (node === undefined && what.creates && this.#isOurs(what.path)) {
      node = new DiskFile();
      this.#bind(what.path, node, ended);
    } else if (node instanceof DiskFile && what.truncates) {
      node.pending.push({ change: { kind: 'size', size: 0 }, ended });
    }
    if (ended !== undefined && result !== undefined) this.#opening.push({ ended, fd: result, node });
  }

  /**
   * A descriptor means what was opened from the end of the opening on: while one thread waits for it, others may open and close
   * files of the same number.
   */
  #giveDescriptors(before: number): void {
    const done = this.#opening.filter(({ ended }) => ended < before).sort((a, b) => a.ended - b.ended);
    for (const { fd, node } of done) {
      if (node === undefined) this.#open.delete(fd);
      else this.#open.set(fd, node);
    }
    this.#opening = this.#opening.filter(({ ended }) => ended >= before);
  }

  #change(fd: number, change: Change, ended: number | undefined): void {
    const node = this.#open.get(fd);
    if (node instanceof DiskFile) node.pending.push({ change, ended });
  }

  #isOurs(path: string): boolean {
    return path === this.#root || path.startsWith(`${this.#root}/`);
  }

  #find(path: string): DiskNode | undefined {
    const names = relative(this.#root, path).split('/');
    let node: DiskNode | undefined = this.#top;
    for (const name of path === this.#root ? [] : names) {
      node = node instanceof DiskDirectory ? node.find(name) : undefined;
    }
    return node;
  }

  #bind(path: string, node: DiskNode | undefined, ended: number | undefined, { replace = true } = {}): void {
    if (!this.#isOurs(path) || path === this.#root) return;
    const directory = this.#find(dirname(path));
    if (!(directory instanceof DiskDirectory)) throw new Error(`recording: no directory for ${path}`);
    const name = basename(path);
    if (!replace && directory.find(name) !== undefined) return;
    directory.pending.push({ change: { name, node }, ended });
  }
}

/** A place before every place of the recording that is played next. */
const BEFORE_ALL = -1;

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function sizeAfter(size: number, change: Change): number {
  if (change.kind === 'size') return change.size;
  return change.kind === 'write' ? Math.max(size, change.offset + change.bytes.length) : size;
}

/** The pages that a change changes, of those that are there: what is a hole stays one. */
function* pagesOf(
  change: Change,
  there: ReadonlyMap<number, Buffer>,
  others: readonly Change[] = [],
): Generator<number> {
  if (change.kind === 'write') {
    for (let page = Math.floor(change.offset / PAGE); page * PAGE < change.offset + change.bytes.length; page++)
      yield page;
    return;
  }
  const written = others.flatMap(other => (other.kind === 'write' ? [...pagesOf(other, there)] : []));
  for (const page of new Set([...there.keys(), ...written])) {
    const from = change.kind === 'size' ? change.size : change.offset;
    const to = change.kind === 'size' ? Number.POSITIVE_INFINITY : change.offset + change.length;
    if ((page + 1) * PAGE > from && page * PAGE < to) yield page;
  }
}

/** False when the change is not about this page. */
function applyToPage(change: Change, page: number, bytes: Buffer): boolean {
  const start = page * PAGE;
  const from = Math.max(change.kind === 'size' ? change.size : change.offset, start);
  const length = change.kind === 'write' ? change.bytes.length : change.kind === 'zeros' ? change.length : 0;
  const to = change.kind === 'size' ? start + PAGE : Math.min(change.offset + length, start + PAGE);
  if (from >= to) return false;
  if (change.kind === 'write') bytes.set(change.bytes.subarray(from - change.offset, to - change.offset), from - start);
  else bytes.fill(0, from - start, to - start);
  return true;
}

/** The first and the last are what mostly happens. */
function oneOf<T>(versions: readonly T[], random: SeededRandom): T {
  const chance = random.next();
  const at = chance < 0.3 ? 0 : chance < 0.65 ? versions.length - 1 : random.below(versions.length);
  return versions[at] as T;
}

function* nodesOf(node: DiskNode): Generator<DiskNode> {
  yield node;
  if (!(node instanceof DiskDirectory)) return;
  const below = new Set([...node.names.values(), ...node.pending.map(({ change }) => change.node)]);
  for (const child of below) if (child !== undefined) yield* nodesOf(child);
}

/** `copies`: those that were made already, since a file may have two names. */
function copyOf<T extends DiskNode>(node: T, copies: Map<DiskNode, DiskNode>): T;
function copyOf(node: DiskNode, copies: Map<DiskNode, DiskNode>): DiskNode {
  const known = copies.get(node);
  if (known !== undefined) return known;
  const copy = node instanceof DiskFile ? node.copy() : new DiskDirectory();
  copies.set(node, copy);
  if (!(node instanceof DiskDirectory && copy instanceof DiskDirectory)) return copy;
  for (const [name, child] of node.names) copy.names.set(name, copyOf(child, copies));
  copy.pending = node.pending.map(({ change, ended }) => ({
    change: { name: change.name, node: change.node && copyOf(change.node, copies) },
    ended,
  }));
  return copy;
}

function writeDirectory(directory: DiskDirectory, path: string): void {
  mkdirSync(path, { mode: 0o700, recursive: true });
  for (const [name, node] of directory.view()) {
    const at = join(path, name);
    if (node instanceof DiskDirectory) writeDirectory(node, at);
    else writeFile(node.view(), at);
  }
}

function writeFile(file: DiskFile, path: string): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    ftruncateSync(fd, file.size);
    for (const [page, bytes] of file.pages) {
      const length = Math.min(PAGE, file.size - page * PAGE);
      if (length > 0 && bytes.some(byte => byte !== 0)) writeSync(fd, bytes, 0, length, page * PAGE);
    }
  } finally {
    closeSync(fd);
  }
}

function differencesOf(directory: DiskDirectory, path: string): string[] {
  const view = directory.view();
  const found = readdirSync(path).sort();
  const expected = [...view.keys()].sort();
  if (found.join() !== expected.join()) return [`${path}: holds ${found.join()}; recorded ${expected.join()}`];
  return [...view].flatMap(([name, node]) => {
    const at = join(path, name);
    return node instanceof DiskDirectory ? differencesOf(node, at) : fileDifferences(node.view(), at);
  });
}

function fileDifferences(file: DiskFile, path: string): string[] {
  const { size } = statSync(path);
  if (size !== file.size) return [`${path}: ${size} bytes; recorded ${file.size}`];
  const fd = openSync(path, 'r');
  try {
    const real = Buffer.alloc(PAGE);
    for (const [page, bytes] of file.pages) {
      const length = Math.max(0, Math.min(PAGE, size - page * PAGE));
      readSync(fd, real, 0, length, page * PAGE);
      if (!real.subarray(0, length).equals(bytes.subarray(0, length))) return [`${path}: page ${page} differs`];
    }
    return [];
  } finally {
    closeSync(fd);
  }
}
