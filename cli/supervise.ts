// shoal daemon --supervise: starts the daemon as a child and again when it dies, so that who reads its mounts waits for a
// second and not for ever. Where a daemon runs already, its end is waited for first: so the one that a command has started is
// looked after.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setPriority } from 'node:os';
import { systemClock } from '../core/index.ts';
import { hasLeftMounts } from '../daemon/index.ts';
import type { CommandContext } from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';

export const SUPERVISE_OPTION = '--supervise';
/** Only one that runs, and only when it dies and leaves mounts. */
export const LOOK_AFTER_OPTION = '--look-after';
/** Of one that is started again: where there is nothing to go on with, nobody waits for it either. */
const RESTARTED_OPTION = '--restarted';

/** Between two starts: doubled each time up to the last, and the first again after a daemon that lived for a minute. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 30_000;
const LONG_LIFE_MS = 60_000;

/** It ended because it was to, or would say the same again: a wrong configuration, another daemon on the same root. */
const FINAL_CODES: ReadonlySet<number | null> = new Set([
  0,
  EXIT_CODES.usage,
  EXIT_CODES.busy,
  EXIT_CODES.unsupported,
  EXIT_CODES.aborted,
]);

export async function superviseDaemon(context: CommandContext, { onlyRunning = false } = {}): Promise<void> {
  const { settings, signal, log } = context;
  const wasThere = await untilNoDaemon(settings.controlSocket, signal);
  if (signal.aborted || ((wasThere || onlyRunning) && !(await hasLeftMounts(settings.root)))) return;
  setPriority(0); // it may have been started to be in nobody's way; the daemon is not
  let pauseMs = FIRST_PAUSE_MS;
  for (let isAgain = onlyRunning || wasThere; ; isAgain = true) {
    const startedAt = systemClock.monotonic();
    const code = await runChild(context, isAgain ? [RESTARTED_OPTION] : []);
    if (FINAL_CODES.has(code) || signal.aborted) {
      context.setExitCode(code ?? EXIT_CODES.aborted);
      return;
    }
    if (systemClock.monotonic() - startedAt > LONG_LIFE_MS) pauseMs = FIRST_PAUSE_MS;
    log.error('the daemon died; it is started again', { exitCode: code ?? 'a signal', pauseMs });
    await systemClock.sleep(pauseMs, { signal });
    pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
  }
}

/** This very command without its option; the exit code, or null when a signal ended it. */
async function runChild({ signal, env }: CommandContext, more: readonly string[]): Promise<number | null> {
  const given = process.argv.slice(1).filter(arg => arg !== SUPERVISE_OPTION && arg !== LOOK_AFTER_OPTION);
  const child = spawn(process.execPath, [...given, ...more], { env: { ...env }, stdio: 'inherit' });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code] = await once(child, 'exit');
    return code;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves when no daemon listens at the socket (any more); whether one did. */
async function untilNoDaemon(path: string, signal: AbortSignal): Promise<boolean> {
  for (let wasThere = false; ; wasThere = true) {
    const socket = connect(path);
    const stop = () => socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    const connected = await new Promise<boolean>(resolve => {
      let isThere = false;
      socket.once('connect', () => {
        isThere = true;
      });
      socket.once('error', () => {}); // `close` follows
      socket.once('close', () => resolve(isThere)); // it also closes connections on which nothing comes for long
      socket.resume();
    });
    signal.removeEventListener('abort', stop);
    if (!connected || signal.aborted) return wasThere;
  }
}
