// The daemon's directory: its version, and the record of what is mounted, for the daemon that comes after a crash.
// Every change is a whole new file (write, fsync, rename): a reader sees the old state or the new one.

import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, fromSystemError, type Logger, messageOf, ShoalError } from '../core/index.ts';

/**
 * Of everything under the root. The layout of cache and state may change with it. With 2, mounts may outlive their daemon: a
 * release that knows only 1 would take away what lies around them and leave their connections.
 */
const STATE_VERSION = '2';
const OLDER_VERSIONS: readonly string[] = ['1'];

const OWNER_ONLY = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

/** One mount, written down before it is made and struck out when nothing of it is left. */
export interface MountRecord {
  /** Random; part of the source in the mount table, `shoal:ID`, by which leftovers are known to be ours. */
  readonly id: string;
  readonly reference: string;
  readonly manifestDigest: string;
  readonly mountpoint: string;
  readonly writable: boolean;
  readonly mountedAt: number;
}

const stateFile = z.object({
  mounts: z.array(
    z.object({
      id: z.string().regex(/^[0-9a-f]{16}$/),
      reference: z.string(),
      manifestDigest: z.string(),
      mountpoint: z.string(),
      writable: z.boolean(),
      mountedAt: z.number(),
    }),
  ),
});

/** The lock, sockets, the log of a daemon that was started in the background, and a key made for this node before it. */
const BEFORE_VERSION = /^lock$|^version\.new$|^peer$|\.sock$|\.log$/;

export interface StatePaths {
  readonly lock: string;
  readonly cache: string;
  /** Private directories of mounts that need one, by id. */
  readonly mounts: string;
}

export function mountSource(id: string): string {
  return `shoal:${id}`;
}

export class StateDir {
  readonly paths: StatePaths;
  readonly #root: string;
  readonly #log: Logger;
  readonly #records = new Map<string, MountRecord>();
  #writing: Promise<void> = Promise.resolve();

  constructor(root: string, log: Logger) {
    this.#root = root;
    this.#log = log;
    this.paths = { lock: join(root, 'lock'), cache: join(root, 'cache'), mounts: join(root, 'mounts') };
  }

  /**
   * Creates the directory, or refuses somebody else's (`usage`): another user's, or one that holds other things. Needed
   * before the lock can be taken.
   */
  async create(): Promise<void> {
    try {
      await mkdir(this.#root, { recursive: true, mode: OWNER_ONLY });
      await this.#keepToOwner();
    } catch (error) {
      throw fromSystemError(error, `create ${this.#root}`);
    }
    // Also before there is a lock: nothing of ours goes into a directory that is not ours.
    if ((await readIfThere(join(this.#root, 'version'))) === undefined) await this.#refuseStrangers();
  }

  /** With the lock held: refuses another release's directory (`unsupported`); returns what the last daemon left. */
  async load(): Promise<readonly MountRecord[]> {
    await this.#checkVersion();
    for (const record of await this.#readRecords()) this.#records.set(record.id, record);
    return [...this.#records.values()];
  }

  async add(record: MountRecord): Promise<void> {
    this.#records.set(record.id, record);
    await this.#write();
  }

  async remove(id: string): Promise<void> {
    this.#records.delete(id);
    await this.#write();
  }

  /** What is cached here is trusted and the socket obeyed: who may write here would decide what containers run. */
  async #keepToOwner(): Promise<void> {
    const { uid, mode } = await stat(this.#root);
    const user = process.geteuid?.() ?? uid;
    if (uid !== user) {
      throw new ShoalError('usage', `${this.#root}: belongs to user ${uid}; this daemon runs as user ${user}`);
    }
    if ((mode & WRITABLE_BY_OTHERS) !== 0) await chmod(this.#root, OWNER_ONLY);
  }

  async #checkVersion(): Promise<void> {
    const path = join(this.#root, 'version');
    const found = (await readIfThere(path))?.trim();
    if (found === STATE_VERSION) return;
    if (found !== undefined && !OLDER_VERSIONS.includes(found)) {
      const shown = JSON.stringify(found.slice(0, 40));
      throw new ShoalError(
        'unsupported',
        `${this.#root}: state of version ${shown}; this release knows ${STATE_VERSION}`,
      );
    }
    if (found === undefined) await this.#refuseStrangers();
    await replaceFile(path, `${STATE_VERSION}\n`);
  }

  /** Someone else's directory is not taken over: all that may be there is what starting a daemon leaves behind. */
  async #refuseStrangers(): Promise<void> {
    const strangers = (await readdir(this.#root)).filter(name => !BEFORE_VERSION.test(name));
    if (strangers.length > 0) {
      const example = JSON.stringify(strangers[0]);
      throw new ShoalError('usage', `${this.#root}: holds ${example} but no state of ours; choose an empty directory`);
    }
  }

  async #readRecords(): Promise<readonly MountRecord[]> {
    const path = join(this.#root, 'state.json');
    const text = await readIfThere(path);
    if (text === undefined) return [];
    try {
      return stateFile.parse(JSON.parse(text)).mounts;
    } catch (error) {
      // Never half a file (see above), so somebody edited it. Mounts that it listed must be removed by hand.
      this.#log.error('state file is damaged; mounts of an earlier daemon are not known', {
        path,
        error: messageOf(error),
      });
      return [];
    }
  }

  /** One write at a time, each with the newest state. */
  #write(): Promise<void> {
    const path = join(this.#root, 'state.json');
    const write = () => replaceFile(path, `${JSON.stringify({ mounts: [...this.#records.values()] }, undefined, 2)}\n`);
    this.#writing = this.#writing.catch(() => {}).then(write);
    return this.#writing;
  }
}

/** Whether a daemon of this root that is gone has left mounts: it did not end in the orderly way. */
export async function hasLeftMounts(root: string): Promise<boolean> {
  const text = await readIfThere(join(root, 'state.json'));
  try {
    return text !== undefined && stateFile.parse(JSON.parse(text)).mounts.length > 0;
  } catch {
    return false; // edited by somebody; a daemon that starts says so
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `read ${path}`);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    // Never through a link that somebody put there before the directory was ours alone.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const file = await open(temporary, flags, 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
}
