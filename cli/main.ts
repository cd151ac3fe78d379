// The command line: argument list to command, errors to exit codes. The only place that ends the process.

import { errnoOf, fromSystemError, ShoalError } from '../core/index.ts';
import { CREDENTIAL_VARIABLES } from './credentials.ts';
import { errorReport } from './exit-codes.ts';
import { harmless } from './harmless.ts';
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

/** A reader that went away (`shoal ps --watch | head`) ends what still runs; so does a disk that takes no more. */
function outputError(error: unknown): ShoalError {
  return errnoOf(error) === 'EPIPE'
    ? new ShoalError('aborted', 'nobody reads standard output any more')
    : fromSystemError(error, 'standard output');
}
process.stdout.on('error', error => controller.abort(outputError(error)));
process.stderr.on('error', () => {}); // who should be told?

/** Reports an error and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommandEnded) return error.exitCode;
  if (controller.signal.aborted) {
    // Whatever broke first: the reason is the interruption.
    error = controller.signal.reason;
  }
  const { text, exitCode } = errorReport(error);
  process.stderr.write(`shoal: ${harmless(text)}\n`);
  return exitCode;
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
// A command that had printed all before it could be told: without a reader it is done, on a full disk it is not.
const { errored } = process.stdout;
if (exitCode === 0 && errored !== null && errnoOf(errored) !== 'EPIPE') exitCode = report(outputError(errored));
process.exit(exitCode);
