// shoal scheduler: its grammar and help.

import type { Command } from 'commander';
import { type ContextFor, configOption } from './program.ts';

export function addSchedulerCommand(program: Command, contextFor: ContextFor): void {
  program
    .command('scheduler')
    .description('tell the nodes of a cluster who has what, and who fetches what from the registry; in the foreground')
    .addOption(configOption('scheduler-listen', '<address>'))
    .addOption(configOption('scheduler-http-listen', '<address>'))
    .addOption(configOption('cluster-key', '<file>'))
    .addOption(configOption('cluster-certificate', '<file>'))
    .addHelpText(
      'after',
      `
Keeps nothing but its key: after a restart the nodes tell it everything again. Of several schedulers each has a share of
the blobs, and the others take it over when one is gone. Its root is its own: a daemon's has another key.
docs/operations.md tells how to set one up.

Examples:
  shoal --root /var/lib/shoal-scheduler scheduler
  shoal --root ./scheduler scheduler --listen 127.0.0.1:7640 --http-listen 127.0.0.1:7641
  shoal --root ./scheduler scheduler --cluster-key ./cluster/cluster.pub --certificate scheduler.cert
  curl http://127.0.0.1:7641/v1/tasks`,
    )
    .action(async (_options, command: Command) =>
      (await import('./commands/scheduler.ts')).runScheduler(contextFor(command, { isDaemon: true })),
    );
}
