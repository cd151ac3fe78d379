// What the self-test said, for the daemon's life: one run for each backing, the first when the daemon starts or somebody
// asks. A run that was too slow, or found no room, says nothing about the kernel, and is not kept.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abortedError,
  deadline,
  EROFS_BACKINGS,
  type ErofsBacking,
  isShoalError,
  type Logger,
  messageOf,
  OVER,
  ShoalError,
} from '../../core/index.ts';
import { checkDriver, SELF_TEST_FAILED } from '../drivers.ts';
import { type SelfTestPorts, testErofs } from './erofs-self-test.ts';

export interface ErofsTestPorts extends SelfTestPorts {
  readonly log: Logger;
  /** Another test, for tests. */
  readonly test?: typeof testErofs;
}

export interface ErofsTestOptions {
  /** A directory of its own in this one, for as long as a run takes. */
  readonly root: string;
  readonly limits: {
    /** A run altogether. */
    readonly selfTestMs: number;
    /** How long a mount waits for one that could be made otherwise. */
    readonly selfTestWaitMs: number;
  };
}

/** Undefined: nothing is wrong. */
type Outcome = string | undefined;

export class ErofsTests {
  readonly #ports: ErofsTestPorts;
  readonly #options: ErofsTestOptions;
  readonly #runs = new Map<ErofsBacking, Promise<Outcome>>();
  readonly #stopping = new AbortController();
  #removed: Promise<void> | undefined;

  constructor(ports: ErofsTestPorts, options: ErofsTestOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Why erofs must not, or cannot, be used over this backing; undefined: it may. `patient`: waits for the test's end. */
  async problem(backing: ErofsBacking, { patient }: { readonly patient: boolean }): Promise<string | undefined> {
    const outcome = this.#outcome(backing);
    if (patient) return outcome;
    const { selfTestWaitMs } = this.#options.limits;
    const done = new AbortController();
    const late = this.#ports.clock.sleep(selfTestWaitMs, { signal: done.signal }).then(
      () => `its self-test takes longer than ${selfTestWaitMs} ms`,
      () => undefined, // it was over in time
    );
    try {
      return await Promise.race([outcome, late]);
    } finally {
      done.abort(OVER);
    }
  }

  /** Begins with the test of what `auto` would take first, and goes on as it does. */
  async prepare(): Promise<void> {
    if ((await checkDriver('erofs')).problem !== undefined) return;
    if ((await this.#outcome('file')) !== undefined) await this.#outcome('loop');
  }

  /** Resolves when no run is left. */
  async stop(): Promise<void> {
    this.#stopping.abort(new ShoalError('aborted', 'the daemon is stopping'));
    await Promise.all(this.#runs.values());
  }

  #directoryOf(backing: ErofsBacking): string {
    return join(this.#options.root, `self-test-${backing}`);
  }

  /** What a daemon left that was killed. */
  async #removeLeftovers(): Promise<void> {
    const directories = EROFS_BACKINGS.map(backing => this.#directoryOf(backing));
    await Promise.all(directories.map(path => rm(path, { recursive: true, force: true })));
  }

  #outcome(backing: ErofsBacking): Promise<Outcome> {
    const known = this.#runs.get(backing);
    if (known !== undefined) return known;
    const run = this.#run(backing);
    this.#runs.set(backing, run);
    return run;
  }

  async #run(backing: ErofsBacking): Promise<Outcome> {
    const { log, test = testErofs } = this.#ports;
    const { limits } = this.#options;
    const limit = deadline(limits.selfTestMs, 'its self-test was not over');
    const signal = AbortSignal.any([this.#stopping.signal, limit]);
    this.#removed ??= this.#removeLeftovers();
    try {
      await this.#removed;
      if (signal.aborted) throw abortedError(signal); // nothing may begin when `stop` has looked
      const problem = await test(this.#ports, { backing, directory: this.#directoryOf(backing) }, signal);
      if (problem === undefined) log.info('the kernel passes the self-test of erofs', { backing });
      else log.warn('the kernel fails the self-test of erofs; it is not used', { backing, problem });
      return problem && `${SELF_TEST_FAILED}: ${problem}`;
    } catch (error) {
      log.info('erofs cannot be used', { backing, error: messageOf(error) });
      if (!isShoalError(error, 'unsupported')) this.#runs.delete(backing);
      return messageOf(error);
    }
  }
}
