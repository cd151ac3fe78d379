// The command line: argument list to command, errors to exit codes. The only place that ends the process.

import { messageOf, ShoalError } from '../core/index.ts';
import { CREDENTIAL_VARIABLES } from './credentials.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { buildProgram, CommandEnded } from './program.ts';

/** Ctrl-C twice means it: what the first one started cleaning up is left as it is. */
const INTERRUPTED_TWICE = 130;

const controller = new AbortController();
let programsRunning = 0;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (programsRunning > 0) return;
    if (controller.signal.aborted) process.exit(INTERRUPTED_TWICE);
    controller.abort(new ShoalError('aborted', `interrupted by ${name}`));
  });
}

/** Reports an error and returns the exit code. A stack trace only for our own bugs. */
function report(error: unknown): number {
  if (error instanceof CommandEnded) return error.exitCode;
  if (controller.signal.aborted) {
    // Whatever broke first: the reason is the interruption.
    process.stderr.write(`shoal: ${messageOf(controller.signal.reason)}\n`);
    return EXIT_CODES.aborted;
  }
  if (error instanceof ShoalError) {
    process.stderr.write(`shoal: ${error.message}\n`);
    return EXIT_CODES[error.code];
  }
  const stack = error instanceof Error ? error.stack : undefined;
  process.stderr.write(`shoal: internal error, please report it: ${stack ?? messageOf(error)}\n`);
  return EXIT_CODES.internal;
}

let exitCode = 0;
const env = { ...process.env };
// What is left is what the daemon and the programs that this process starts inherit.
for (const name of CREDENTIAL_VARIABLES) delete process.env[name];
try {
  const program = buildProgram({
    env,
    signal: controller.signal,
    leaveSignalsToProgram: () => {
      programsRunning++;
      return {
        [Symbol.dispose]: () => {
          programsRunning--;
        },
      };
    },
    setExitCode: code => {
      exitCode = code;
    },
  });
  await program.parseAsync(process.argv);
} catch (error) {
  exitCode = report(error);
}
process.exit(exitCode);
