// A complete cache file that the kernel reads by itself (the erofs driver), without asking the chunk map: nothing may be
// written to it for as long as that goes on, not even if the daemon that gave it away is dead. Whoever wants to write
// lifts the seal first, and cannot while there is a reader.
//
// The seal is the file's mode: 0400. Who reads it by mounts of this daemon is counted; of mounts that outlived their
// daemon, or that somebody uses in another mount namespace, the kernel knows: it gives a lease only to the one user of a file.
// A record beside the file says that it was verified as a whole, in which boot, and of which time of last change (ctime)
// it was then. Every write moves that time, and nobody can set it.

import { fchmodSync, rmSync } from 'node:fs';
import { type FileHandle, readFile, rename, writeFile } from 'node:fs/promises';
import { errnoOf, fromSystemError, ShoalError } from '../../core/index.ts';
import { isOpenElsewhere } from '../system-calls.ts';

const SEALED = 0o400;
const WRITABLE = 0o600;
const OWNER_MAY_WRITE = 0o200;

export interface SealOptions {
  /** Where the record is. */
  readonly record: string;
  readonly bootId: string;
  /** For messages. */
  readonly name: string;
}

export class FileSeal {
  readonly #file: FileHandle;
  readonly #options: SealOptions;
  #isSet: boolean;
  #pins = 0;

  private constructor(file: FileHandle, options: SealOptions, isSet: boolean) {
    this.#file = file;
    this.#options = options;
    this.#isSet = isSet;
  }

  /** Of an open file, which stays the caller's. */
  static async of(file: FileHandle, options: SealOptions): Promise<FileSeal> {
    const { mode } = await file.stat();
    return new FileSeal(file, options, (mode & OWNER_MAY_WRITE) === 0);
  }

  /** It was given to the kernel once, and somebody has it open besides us. */
  get isInUse(): boolean {
    return this.#pins > 0 || (this.#isSet && isOpenElsewhere(this.#file.fd));
  }

  /** From now on `lift` throws, until what is returned is disposed of. The caller knows that nothing is being written. */
  pin(): Disposable {
    this.#isSet = true;
    this.#pins++;
    let pinned = true;
    return {
      [Symbol.dispose]: () => {
        if (pinned) this.#pins--;
        pinned = false;
      },
    };
  }

  /** Before anything is written. Throws `busy` when somebody reads the file without asking. Does not wait. */
  lift(): void {
    if (!this.#isSet) return;
    const { name, record } = this.#options;
    if (this.isInUse) throw new ShoalError('busy', `${name}: the kernel reads it as it is`);
    fchmodSync(this.#file.fd, WRITABLE);
    this.#isSet = false;
    rmSync(record, { force: true });
  }

  /** The file is pinned: what is wrong in it, of which a record from this boot says that it is nothing. Rejects with `system`. */
  async verified<T>(find: () => Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      if (((await this.#file.stat()).mode & 0o777) !== SEALED) await this.#file.chmod(SEALED);
      const before = await this.#identity();
      if ((await this.#recorded()) === before) return [];
      const found = await find();
      if ((await this.#identity()) !== before) throw new ShoalError('system', 'written to while it was verified');
      if (found.length === 0) await this.#note(before);
      return found;
    } catch (error) {
      throw fromSystemError(error, `verify ${this.#options.name}`);
    }
  }

  /** What was verified is not true any more: the next time, all is looked at again. */
  distrust(): void {
    rmSync(this.#options.record, { force: true });
  }

  async #identity(): Promise<string> {
    const { dev, ino, size, mtimeNs, ctimeNs } = await this.#file.stat({ bigint: true });
    return `${[this.#options.bootId, dev, ino, size, mtimeNs, ctimeNs].join(' ')}\n`;
  }

  async #recorded(): Promise<string | undefined> {
    try {
      return await readFile(this.#options.record, 'latin1');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Not durable: after another boot it counts for nothing. */
  async #note(identity: string): Promise<void> {
    const { record } = this.#options;
    await writeFile(`${record}.new`, identity, { mode: WRITABLE });
    await rename(`${record}.new`, record);
  }
}
