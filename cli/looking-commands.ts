// The commands that look and change nothing: their grammar and help, like program.ts for the others.

import type { Command } from 'commander';
import type { ContextFor } from './program.ts';

export function addLookingCommands(program: Command, contextFor: ContextFor): void {
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
