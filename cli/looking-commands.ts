// The commands that look and change nothing: their grammar and help, like program.ts for the others.

import type { Command } from 'commander';
import { isShoalError } from '../core/index.ts';
import type { CommandContext } from './command.ts';
import type { ContextFor } from './program.ts';

export function addLookingCommands(program: Command, contextFor: ContextFor): void {
  program
    .command('doctor')
    .description('look whether images can be mounted here, and say what to do where not')
    .addHelpText(
      'after',
      `
Looks at kernel, rights, drivers, the cache's disk, limits, configuration, credentials and the daemon. Changes nothing.
The exit code is 0 when at least one driver works.

Examples:
  shoal doctor
  shoal --root /data/shoal doctor
  shoal --json doctor`,
    )
    .action(async (_options, command: Command) => {
      const { context, problem } = contextOrDefaults(command, contextFor);
      await (await import('./commands/doctor.ts')).doctor(context, problem);
    });
  program
    .command('metrics')
    .description("print the daemon's metrics, as Prometheus gets them")
    .addHelpText(
      'after',
      `
docs/metrics.md says what each is. Prometheus and curl get the same page from the control socket.

Examples:
  shoal metrics
  curl --unix-socket /var/lib/shoal/control.sock http://localhost/metrics`,
    )
    .action(async (_options, command: Command) => (await import('./commands/ps.ts')).metrics(contextFor(command)));
  program
    .command('config')
    .description('print the settings that are in effect, and where each came from')
    .addHelpText(
      'after',
      `
A flag goes before the environment, that before the file, that before the default. docs/configuration.md has all keys.

Examples:
  shoal config
  SHOAL_LOG_LEVEL=debug shoal --config ./shoal.toml config
  shoal --json config`,
    )
    .action(async (_options, command: Command) =>
      (await import('./commands/config.ts')).showConfig(contextFor(command)),
    );
}

/** A wrong configuration is a thing to be told, not a reason to look at nothing else. */
function contextOrDefaults(
  command: Command,
  contextFor: ContextFor,
): { readonly context: CommandContext; readonly problem?: string } {
  try {
    return { context: contextFor(command) };
  } catch (error) {
    if (!isShoalError(error)) throw error;
    return { context: contextFor(command, { onlyDefaults: true }), problem: error.message };
  }
}
