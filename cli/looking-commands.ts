// The commands that look and change nothing: their grammar and help, like program.ts for the others.

import { Argument, type Command } from 'commander';
import { isShoalError } from '../core/index.ts';
import type { CommandContext } from './command.ts';
import { type ContextFor, REFERENCES, withReferenceOptions } from './program.ts';

export function addInspectCommands(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('inspect'))
    .description('tell what an image is made of, or of one of its files: inode, chunks, and the layer it comes from')
    .argument('<reference>', 'image to look at, accelerated or ordinary')
    .argument('[path]', 'a file of the image; links on the way to it are followed inside the image')
    .option(
      '--source <reference>',
      'the image that an accelerated one was made from: its layers tell where PATH is from',
    )
    .option('--src-creds <user[:password]>', "credentials for the original's registry (env SHOAL_SRC_CREDS)")
    .option('--follow', 'when PATH is a symbolic link: what it leads to')
    .addHelpText(
      'after',
      `${REFERENCES}

An accelerated image holds the merged tree: which layer a file comes from is not in it, only which layers' blobs hold
its data (equal chunks are stored once, with the first layer that has them). --source reads the original's layers.
Of an ordinary image the layers are read, too.

Examples:
  shoal inspect registry.example/app:1.0-shoal
  shoal inspect registry.example/app:1.0-shoal /etc/passwd --source registry.example/app:1.0
  shoal --json inspect oci:./layout:app /usr/bin/python3 --follow`,
    )
    .action(async (reference: string, path: string | undefined, options, command: Command) =>
      (await import('./commands/inspect.ts')).inspect(contextFor(command), reference, path, options),
    );
  withReferenceOptions(program.command('history'))
    .description('list the steps by which an image was built, with the size of the layer that each made')
    .argument('<reference>', 'image to look at, accelerated or ordinary')
    .addHelpText(
      'after',
      `${REFERENCES}

Examples:
  shoal history registry.example/app:1.0
  shoal --json history oci:./layout:app`,
    )
    .action(async (reference: string, options, command: Command) =>
      (await import('./commands/inspect.ts')).history(contextFor(command), reference, options),
    );
}

export function addMetricsCommand(program: Command, contextFor: ContextFor): void {
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
}

export function addSwarmCommands(program: Command, contextFor: ContextFor): void {
  program
    .command('peers')
    .description('list the nodes that the daemon shares blobs with: address, bytes both ways, bans, membership')
    .addHelpText(
      'after',
      `
Needs a daemon that takes part in a swarm: peer-listen in docs/configuration.md. NOW is per second, a mean over the last
seconds. WRONG is how many pieces were not what they should be. MEMBER FOR is how long a certificate still holds.

Examples:
  shoal peers
  shoal --json peers`,
    )
    .action(async (_options, command: Command) => (await import('./commands/swarm.ts')).peers(contextFor(command)));
  program
    .command('tasks')
    .description('list the blobs that the daemon shares: pieces that are here, peers that have some, leases')
    .addHelpText(
      'after',
      `
A task is a blob, under the name that other nodes and schedulers know it by; names of images and blobs stay on this
machine. PIECES are those of the blob as it is stored; AS CHUNKS those that can be packed from the cache instead. LEASES
are pieces that this node is to fetch from the registry, for all.

Examples:
  shoal tasks
  shoal --json tasks`,
    )
    .action(async (_options, command: Command) => (await import('./commands/swarm.ts')).tasks(contextFor(command)));
}

export function addMachineCommands(program: Command, contextFor: ContextFor): void {
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

/** Every press of TAB is a process: nothing is read here that is not needed. */
export function addCompletionCommands(program: Command, contextFor: ContextFor): void {
  program
    .command('completion')
    .description('print the script that completes command lines in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  source <(shoal completion bash)                                       # in ~/.bashrc
  shoal completion zsh > "\${fpath[1]}/_shoal"                            # and: autoload -U compinit; compinit
  shoal completion fish > ~/.config/fish/completions/shoal.fish`,
    )
    .action(async (shell: string) => (await import('./commands/completion.ts')).completion(shell));
  program
    .command('complete', { hidden: true })
    .description('tell what can stand at the end of a command line; asked by the scripts of shoal completion')
    .argument('[words...]', 'the command line behind the name of the program')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  shoal complete -- inspect --pl')
    .action(async (words: string[], _options, command: Command) =>
      (await import('./commands/completion.ts')).complete(program, words, () => contextFor(command)),
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
