// The daemon's side of its holder: finds or starts it, gives it descriptors, and gets those that an earlier daemon gave it.
// When the holder dies another one is started and given everything again. The main thread never waits for it: each question
// has a connection and a deadline of its own.

import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import { siblingScript } from '../worker-threads.ts';
import {
  Ask,
  decodeMessage,
  encodeMessage,
  HOLDER_SOCKET,
  type HolderMessage,
  ID_BYTES,
  MAX_MOUNTS,
  MESSAGE_BYTES,
  Result,
} from './protocol.ts';
import { connectTo, endedConnections, receiveFrom, sendTo, untilReadable } from './unix-socket.ts';

/** How often a holder that was just started is looked for. */
const LOOK_MS = 10;

export interface HeldConnection {
  /** The one that was mounted, and its clones. The taker's to close. */
  readonly descriptors: readonly number[];
  /** `major:minor`; undefined when the daemon before did not live to know it. */
  readonly device: string | undefined;
  /** It was unmounted or aborted meanwhile. */
  readonly hasEnded: boolean;
}

export interface HolderPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface HolderOptions {
  /** The daemon's root: the holder's socket is there. */
  readonly root: string;
  /** For one question, and for a start. */
  readonly timeoutMs: number;
}

export class HolderClient {
  readonly #ports: HolderPorts;
  readonly #options: HolderOptions;
  /** What it is to hold: given again to the next one when it dies. */
  readonly #kept = new Map<string, { readonly descriptors: number[]; device: number }>();
  readonly #left = new AbortController();
  #directory: number | undefined;
  #attachment: Socket | undefined;
  #ready: Promise<boolean> = Promise.resolve(false);

  constructor(ports: HolderPorts, options: HolderOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Attaches to a holder that runs. False: none does. Rejects with `unsupported` for one of another version. */
  async find(): Promise<boolean> {
    const found = await this.#attach();
    if (found) this.#ready = Promise.resolve(true);
    return found;
  }

  /** Starts one, if `find` found none. Returns at once; who wants something of it waits. */
  start(): void {
    this.#ready = this.#ready.then(isThere => isThere || this.#begin());
  }

  /**
   * Gives it copies of descriptors of a mount's connection, the mounted one first of all. True: it has them. Never
   * rejects: a mount can do without, and the log says so. They must stay open until `forget`.
   */
  async hold(id: string, descriptors: readonly number[]): Promise<boolean> {
    const kept = this.#kept.get(id) ?? { descriptors: [], device: 0 };
    kept.descriptors.push(...descriptors);
    this.#kept.set(id, kept);
    return await this.#tell({ what: Ask.HOLD, id }, descriptors);
  }

  /** The connection of these descriptors is mounted, as the device `major:minor`. */
  async noteDevice(id: string, device: string): Promise<void> {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    kept.device = Number(device.slice(device.indexOf(':') + 1));
    await this.#tell({ what: Ask.DEVICE, id, device: kept.device });
  }

  /** Before the descriptors are closed here. */
  async forget(id: string): Promise<void> {
    this.#kept.delete(id);
    await this.#tell({ what: Ask.FORGET, id });
  }

  /** Whose descriptors it has. */
  async list(): Promise<readonly string[]> {
    const bytes = Buffer.alloc(MESSAGE_BYTES + MAX_MOUNTS * ID_BYTES);
    const { message } = await this.#ask({ what: Ask.LIST }, [], bytes);
    const ids = bytes.subarray(MESSAGE_BYTES, MESSAGE_BYTES + Math.min(message.count, MAX_MOUNTS) * ID_BYTES);
    return Array.from({ length: ids.length / ID_BYTES }, (_, at) =>
      ids.toString('hex', at * ID_BYTES, (at + 1) * ID_BYTES),
    );
  }

  /** What it has of a mount. From now on it is this daemon's, which is to `forget` it some time. */
  async take(id: string): Promise<HeldConnection | undefined> {
    const { message, descriptors } = await this.#ask({ what: Ask.TAKE, id });
    const [first] = descriptors;
    if (message.what !== Result.DONE || first === undefined) return undefined;
    this.#kept.set(id, { descriptors: [...descriptors], device: message.device });
    const device = message.device === 0 ? undefined : `0:${message.device}`;
    return { descriptors, device, hasEnded: endedConnections([first]).has(first) };
  }

  /** The daemon ends in the orderly way. What is held stays held. */
  leave(): void {
    this.#left.abort();
    this.#attachment?.destroy();
    if (this.#directory !== undefined) closeSync(this.#directory);
    this.#directory = undefined;
  }

  /** Also where the root's path is longer than an address has room for. */
  get #path(): string {
    this.#directory ??= openSync(this.#options.root, constants.O_RDONLY | constants.O_DIRECTORY);
    return `/proc/self/fd/${this.#directory}/${HOLDER_SOCKET}`;
  }

  async #begin(): Promise<boolean> {
    const { clock, log } = this.#ports;
    const { root, timeoutMs } = this.#options;
    const script = fileURLToPath(siblingScript(import.meta.url, 'holder-process'));
    // A session of its own, and nothing of the daemon's: it outlives it.
    const child = spawn(process.execPath, [script], { cwd: root, detached: true, stdio: 'ignore' });
    child.on('error', error => log.error('the holder could not be started', { error: error.message }));
    child.unref();
    const deadline = clock.monotonic() + timeoutMs;
    try {
      while (clock.monotonic() < deadline && child.exitCode === null) {
        if (await this.#attach()) {
          log.info('a holder keeps the connections of mounts', { pid: child.pid });
          return true;
        }
        await clock.sleep(LOOK_MS, { signal: this.#left.signal });
      }
    } catch (error) {
      if (this.#left.signal.aborted) return false;
      log.error('no holder', { error: messageOf(error) });
      return false;
    }
    log.error('the holder did not start; mounts end with this daemon', { exitCode: child.exitCode });
    return false;
  }

  async #attach(): Promise<boolean> {
    const socket = connect(this.#path);
    const answer = await new Promise<Buffer | undefined>(resolve => {
      socket.once('error', () => resolve(undefined)); // nobody there
      socket.once('close', () => resolve(undefined));
      socket.once('data', resolve);
      socket.setTimeout(this.#options.timeoutMs, () => socket.destroy());
      socket.write(encodeMessage({ what: Ask.ATTACH }));
    });
    if (answer === undefined || this.#left.signal.aborted) {
      socket.destroy();
      return false;
    }
    try {
      decodeMessage(answer);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.setTimeout(0);
    socket.unref();
    socket.on('error', () => {}); // `close` follows
    socket.once('close', () => this.#replace());
    this.#attachment = socket;
    return true;
  }

  /** It died, and with it what it held: but not what this daemon has. */
  #replace(): void {
    if (this.#left.signal.aborted) return;
    this.#ports.log.warn('the holder ended; another one is started', { mounts: this.#kept.size });
    this.#ready = this.#begin().then(async isThere => {
      if (!isThere) return false;
      for (const [id, { descriptors, device }] of this.#kept) {
        await this.#ask({ what: Ask.HOLD, id }, descriptors);
        if (device !== 0) await this.#ask({ what: Ask.DEVICE, id, device });
      }
      return true;
    });
    this.#ready.catch(() => {}); // who asks next is told
  }

  async #tell(message: Partial<HolderMessage>, descriptors: readonly number[] = []): Promise<boolean> {
    try {
      if (!(await this.#ready)) return false;
      const { what } = (await this.#ask(message, descriptors)).message;
      return what === Result.DONE;
    } catch (error) {
      if (!this.#left.signal.aborted) this.#ports.log.error('the holder was not told', { error: messageOf(error) });
      return false;
    }
  }

  /** One question and its answer, whose bytes go into `into`. Rejects with `unreachable`, `timeout`, `malformed`. */
  async #ask(
    question: Partial<HolderMessage>,
    descriptors: readonly number[] = [],
    into = Buffer.alloc(MESSAGE_BYTES),
  ): Promise<{ readonly message: HolderMessage; readonly descriptors: readonly number[] }> {
    const fd = connectTo(this.#path);
    if (fd === undefined) throw new ShoalError('unreachable', 'holder: does not answer');
    try {
      if (!sendTo(fd, encodeMessage(question), descriptors)) throw new ShoalError('unreachable', 'holder: hung up');
      if (!(await untilReadable(fd, this.#options.timeoutMs))) throw new ShoalError('timeout', 'holder: no answer');
      const received = receiveFrom(fd, into);
      if (received === undefined) throw new ShoalError('malformed', 'holder: no answer');
      return { message: decodeMessage(into.subarray(0, received.length)), descriptors: received.descriptors };
    } finally {
      closeSync(fd);
    }
  }
}
