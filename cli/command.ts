// What every command gets, so that none reads the process's globals itself.

import type { Logger } from '../core/index.ts';
import type { RegistryAccess } from '../registry/index.ts';
import type { Settings } from './settings.ts';

export interface CommandContext {
  readonly settings: Settings;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly log: Logger;
  /** Sockets and tokens of this process, shared by every image it opens. */
  readonly registry: RegistryAccess;
  /** Fires at the first Ctrl-C or SIGTERM: stop, clean up, exit 130. */
  readonly signal: AbortSignal;
  /**
   * While the result is held, signals are the business of the program that this command runs: they end neither the
   * command nor the process.
   */
  leaveSignalsToProgram(): Disposable;
  /** Makes this process end with the code of the program it ran. */
  setExitCode(code: number): void;
}
