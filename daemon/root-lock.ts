// One daemon per root: an exclusive lock that the kernel frees when the process ends, however it ends.

import { constants, existsSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { type Clock, fromSystemError, ShoalError } from '../core/index.ts';
import { isDying } from './fuse/requester.ts';
import { tryLock } from './system-calls.ts';

/** How often a dying holder's lock is tried again. */
const RETRY_MS = 100;

export class RootLock {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Takes the lock or rejects with `busy`, naming who has it. Who is being killed is waited for up to `waitMs`; when it has
   * not ended after `patienceMs`, `onDying` is called, because what keeps it may be a mount that somebody has to abort.
   * `isEnding`: whoever has it has said that it is about to end.
   */
  static async acquire(
    path: string,
    options: {
      readonly clock: Clock;
      readonly waitMs: number;
      readonly patienceMs: number;
      readonly onDying: () => Promise<void>;
      readonly isEnding?: boolean;
    },
  ): Promise<RootLock> {
    const file = await openLock(path);
    try {
      const { isEnding = false } = options;
      const startedAt = options.clock.monotonic();
      const deadline = startedAt + options.waitMs;
      let lookedAgain = false;
      for (let asked = false; !tryLock(file.fd); ) {
        const pid = await holderOf(path);
        // Who holds the lock exists: a pid that is not to be seen is one of another pid namespace, not a dead one.
        const dying = isEnding || (pid !== undefined && existsSync(`/proc/${pid}`) && (await isDying(pid)));
        if (!dying && !lookedAgain) {
          lookedAgain = true; // it may just end: between its SIGKILL and its last breath, nothing shows that
          await options.clock.sleep(RETRY_MS);
          continue;
        }
        if (!dying || options.clock.monotonic() > deadline) {
          throw new ShoalError('busy', `${path}: a daemon runs already (pid ${pid ?? 'unknown'})`);
        }
        if (!asked && options.clock.monotonic() - startedAt >= options.patienceMs) {
          asked = true;
          await options.onDying();
        }
        await options.clock.sleep(RETRY_MS);
      }
      await file.truncate(0);
      await file.write(`${process.pid}\n`, 0);
      return new RootLock(file);
    } catch (error) {
      await file.close();
      throw fromSystemError(error, `lock ${path}`);
    }
  }

  async release(): Promise<void> {
    await this.#file.close();
  }
}

async function openLock(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw fromSystemError(error, `open ${path}`);
  }
}

async function holderOf(path: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(path, 'utf8'), 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
