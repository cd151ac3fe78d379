// The holder: keeps copies of a daemon's /dev/fuse descriptors, so that the connections outlive it, and does nothing else.
// It never reads from them. A loop that blocks in poll(2), because there is nothing that it could do meanwhile. Its working
// directory is the root of the daemon whose mounts it holds; the socket is there, for the owner only.

import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { tryLock } from '../system-calls.ts';
import { HeldConnections } from './held-connections.ts';
import {
  Ask,
  decodeMessage,
  encodeMessage,
  HOLDER_SOCKET,
  type HolderMessage,
  MESSAGE_BYTES,
  NO_ID,
  Result,
} from './protocol.ts';
import { acceptFrom, listenAt, receiveFrom, sendTo, waitReadable } from './unix-socket.ts';

/** A daemon asks one thing after the other. */
const MAX_CONNECTIONS = 16;
/** No daemon has attached itself yet: the one that has started it comes at once. */
const FIRST_DAEMON_MS = 5_000;
/** While no daemon is there, mounts may go by themselves. */
const LOOK_MS = 500;

export interface HolderOptions {
  /** Don't end when there is nothing to hold: it was started by hand, for daemons to come. */
  readonly stays: boolean;
}

class Holder {
  readonly #held = new HeldConnections();
  readonly #listening: number;
  readonly #stays: boolean;
  /** Connections, and whether a daemon says by it that it is there. Oldest first. */
  readonly #connections = new Map<number, { attached: boolean }>();
  readonly #startedAt = performance.now();
  #hadDaemon = false;

  constructor({ stays }: HolderOptions) {
    this.#stays = stays;
    process.umask(0o077);
    rmSync(HOLDER_SOCKET, { force: true });
    this.#listening = listenAt(HOLDER_SOCKET, MAX_CONNECTIONS);
  }

  run(): void {
    while (!this.#isDone()) {
      const readable = waitReadable([this.#listening, ...this.#connections.keys()], this.#isAttached ? -1 : LOOK_MS);
      for (const fd of this.#connections.keys()) if (readable.has(fd)) this.#serve(fd);
      if (readable.has(this.#listening)) this.#accept();
      if (!this.#isAttached) this.#held.forgetEnded();
    }
    // Nobody who comes now is answered: they see that, and start another one.
    rmSync(HOLDER_SOCKET, { force: true });
  }

  get #isAttached(): boolean {
    return [...this.#connections.values()].some(({ attached }) => attached);
  }

  #isDone(): boolean {
    if (this.#stays || this.#held.size > 0 || this.#connections.size > 0) return false;
    return this.#hadDaemon || performance.now() - this.#startedAt > FIRST_DAEMON_MS;
  }

  #accept(): void {
    const fd = acceptFrom(this.#listening);
    if (fd === undefined) return;
    this.#connections.set(fd, { attached: false });
    if (this.#connections.size <= MAX_CONNECTIONS) return;
    const [oldest] = [...this.#connections].find(([, { attached }]) => !attached) ?? [fd];
    this.#close(oldest);
  }

  #close(fd: number): void {
    this.#connections.delete(fd);
    closeSync(fd);
  }

  /** Answers one question. Whoever asks something else is cut off. */
  #serve(fd: number): void {
    const bytes = Buffer.alloc(MESSAGE_BYTES);
    try {
      const received = receiveFrom(fd, bytes);
      if (received === undefined) return;
      const { length, descriptors } = received;
      let message: HolderMessage | undefined;
      try {
        message = decodeMessage(bytes.subarray(0, length));
      } finally {
        if (message?.what !== Ask.HOLD) for (const descriptor of descriptors) closeSync(descriptor);
      }
      if (this.#answer(fd, message, descriptors)) return;
    } catch {
      // As said above. There is nobody to tell.
    }
    this.#close(fd);
  }

  /** True: the connection stays. */
  #answer(fd: number, { what, id, device }: HolderMessage, descriptors: readonly number[]): boolean {
    const held = this.#held;
    switch (what) {
      case Ask.ATTACH:
        this.#connections.set(fd, { attached: true });
        this.#hadDaemon = true;
        return reply(fd, Result.DONE);
      case Ask.HOLD:
        reply(fd, held.hold(id, descriptors));
        break;
      case Ask.DEVICE:
        reply(fd, held.noteDevice(id, device));
        break;
      case Ask.TAKE: {
        const found = held.get(id);
        if (found === undefined) reply(fd, Result.UNKNOWN);
        else {
          const count = found.descriptors.length;
          sendTo(fd, encodeMessage({ what: Result.DONE, id, device: found.device, count }), found.descriptors);
        }
        break;
      }
      case Ask.FORGET:
        reply(fd, held.forget(id));
        break;
      case Ask.LIST: {
        const { ids } = held;
        const header = encodeMessage({ what: Result.DONE, count: ids.length });
        sendTo(fd, Buffer.concat([header, ...ids.map(known => Buffer.from(known, 'hex'))]));
        break;
      }
      default:
        reply(fd, Result.REFUSED);
    }
    return false;
  }
}

function reply(fd: number, what: Result): boolean {
  return sendTo(fd, encodeMessage({ what, id: NO_ID }));
}

/**
 * Holds until there is nothing to hold any more; blocks its thread. Returns at once where another one holds: its lock is the
 * directory's. Throws `system` when it can't listen.
 */
export function runHolder(options: HolderOptions): void {
  const directory = openSync('.', constants.O_RDONLY | constants.O_DIRECTORY);
  if (tryLock(directory)) new Holder(options).run();
  closeSync(directory);
}
