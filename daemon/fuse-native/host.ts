// The host process of one fuse-native mount: holds the native package, answers metadata from its own copy of the
// bootstrap, asks the daemon for contents. One process for each mount: what the package breaks is this mount alone.
// It dies with the daemon, and never looks at its own mount.

import { fromSystemError, messageOf, ShoalError, systemClock } from '../../core/index.ts';
import { BootstrapReader } from '../../image/index.ts';
import { errnoFor } from '../fuse/errno.ts';
import { dieWithParent, passOnStandardStreams } from '../system-calls.ts';
import { mountNative, type NativeFileSystem } from './binding.ts';
import { DeviceWatch } from './device-watch.ts';
import type { HostOrder, HostReport } from './messages.ts';
import { NativeTree } from './native-tree.ts';
import { MISSING, ReadAsker, type ReadQuestion } from './read-channel.ts';

/** The host's end of the socket pair. */
const READ_FD = 4;
/** A damaged image fails request after request; beyond this many lines the log tells nothing new. */
const MAX_WARNINGS = 100;
/** The package keeps something of every thread that libfuse ever started; with so many, a request takes 1 ms more. */
const MANY_THREADS = 50_000;

interface WaitingRead {
  readonly question: ReadQuestion;
  /** libfuse's own memory. */
  readonly into: Buffer;
  readonly done: (result: number) => void;
}

const asker = new ReadAsker(READ_FD);
const waiting = new Map<number, WaitingRead>();
let lastId = 0;
let warnings = 0;
let watch: DeviceWatch | undefined;

process.on('disconnect', dieAtOnce);
process.on('message', (order: HostOrder) => {
  if (order.kind === 'mount') void mount(order);
  else if (order.kind === 'again') askAgain(order.id);
  else if (order.kind === 'fail') finish(order.id, -order.errno);
  else if (watch === undefined) report({ kind: 'ended' });
  else watch.closely();
});

async function mount(order: Extract<HostOrder, { kind: 'mount' }>): Promise<void> {
  try {
    // Not on macOS, where the end of the IPC channel has to do.
    if (process.platform === 'linux') dieWithParent();
    if (process.ppid !== order.daemonPid) throw new ShoalError('aborted', 'the daemon is gone');
    passOnStandardStreams(); // to fusermount
    const reader = new BootstrapReader(await readBootstrap(order.bootstrapBytes));
    const tree = new NativeTree(reader, { ...order, onWarning: warn });
    await mountNative(order.mountpoint, fileSystemOf(tree, reader), { ...order, onThread });
    // On macOS a mount that ends behind our back stays unnoticed until `umount`.
    if (process.platform === 'linux') watch = new DeviceWatch(systemClock);
    report({ kind: 'mounted' });
    await watch?.ended();
    if (watch !== undefined) report({ kind: 'ended' });
  } catch (error) {
    const { code, message } = fromSystemError(error, `mount ${order.mountpoint}`);
    report({ kind: 'failed', code, message }, dieAtOnce);
  }
}

async function readBootstrap(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    bytes.set(piece, at); // throws when there are more than announced
    at += piece.length;
  }
  if (at !== length) throw new ShoalError('aborted', `the bootstrap ended after ${at} of ${length} bytes`);
  return bytes;
}

function fileSystemOf(tree: NativeTree, reader: BootstrapReader): NativeFileSystem {
  const basics = {
    attributes: (path: string) => tree.attributes(path),
    entries: (path: string) => tree.entries(path),
    target: (path: string) => tree.target(path),
    statfs: () => tree.statfs(),
    read,
  };
  if (!reader.hasXattrs) return basics;
  return {
    ...basics,
    xattrs: { value: (path, name) => tree.xattr(path, name), list: path => tree.xattrNames(path) },
  };

  function read(path: string, into: Buffer, size: number, offset: number, done: (result: number) => void): void {
    const nid = tree.find(path);
    if (nid < 0) done(nid);
    else ask({ question: { id: nextId(), again: false, nid, offset, size }, into, done });
  }
}

function nextId(): number {
  do lastId = lastId === 0xffff_ffff ? 1 : lastId + 1;
  while (waiting.has(lastId));
  return lastId;
}

function ask(read: WaitingRead): void {
  const { question, into, done } = read;
  let result: number;
  try {
    result = asker.ask(question, into);
  } catch (error) {
    result = -errnoFor(error);
  }
  if (result === MISSING) waiting.set(question.id, read);
  else {
    waiting.delete(question.id);
    done(result);
  }
}

function askAgain(id: number): void {
  const read = waiting.get(id);
  if (read !== undefined) ask({ ...read, question: { ...read.question, again: true } });
}

function finish(id: number, result: number): void {
  const read = waiting.get(id);
  waiting.delete(id);
  read?.done(result);
}

function onThread(count: number): void {
  if (count === MANY_THREADS)
    warn(`libfuse has started ${count} threads, each slows it down; mounting anew cures that`);
}

function warn(message: string): void {
  if (warnings++ < MAX_WARNINGS) report({ kind: 'warning', message });
}

function report(message: HostReport, done: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, error => (error ? dieAtOnce() : done()));
}

/** The daemon is gone. Without ceremony: libfuse's threads would be waited for. */
function dieAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}

process.on('uncaughtException', error => {
  process.stderr.write(`${messageOf(error)}\n`);
  dieAtOnce();
});
