// The grammar of the command line: every command with its options, help and examples. What they do is in commands/,
// loaded when a command is chosen: `ps` should not wait for the converter to be read.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { dockerConfigCredentials, RegistryAccess } from '../registry/index.ts';
import type { CommandContext } from './command.ts';
import { jsonLogger, LOG_LEVELS, plainLogger } from './logger.ts';
import { type GlobalOptions, readSettings } from './settings.ts';
import { VERSION } from './version.ts';

/** Help and version were printed, or the arguments were wrong and that was said: nothing is left but to exit. */
export class CommandEnded extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('command ended');
    this.exitCode = exitCode;
  }
}

const USAGE_EXIT_CODE = 64;

const REFERENCES = `
References:
  docker://HOST/REPO:TAG[@DIGEST]   an image in a registry; docker:// may be left out
  oci:DIR[:TAG]                     an image in an OCI layout directory`;

export function buildProgram(base: Omit<CommandContext, 'settings' | 'log' | 'registry'>): Command {
  const program = new Command('shoal')
    .description('Container images that start before they arrive.')
    .version(VERSION)
    .showHelpAfterError('(shoal --help shows the options)')
    .exitOverride(error => {
      throw new CommandEnded(error instanceof CommanderError && error.exitCode === 0 ? 0 : USAGE_EXIT_CODE);
    });
  for (const option of globalOptions()) program.addOption(option);
  program.enablePositionalOptions();
  const contextFor = (command: Command, isDaemon = false): CommandContext => {
    const settings = readSettings(command.optsWithGlobals<GlobalOptions>(), base.env);
    const access = new RegistryAccess({ credentials: dockerConfigCredentials(settings.dockerConfig) });
    return {
      ...base,
      settings,
      registry: access,
      log: isDaemon ? jsonLogger(settings.logLevel) : plainLogger(settings.logLevel),
    };
  };
  addImageCommands(program, contextFor);
  addMountCommands(program, contextFor);
  addRunCommand(program, contextFor);
  addDaemonCommands(program, contextFor);
  for (const command of allCommands(program)) acceptGlobalOptions(command);
  return program;
}

type ContextFor = (command: Command, isDaemon?: boolean) => CommandContext;

function addImageCommands(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('convert'))
    .description('convert an ordinary image into an accelerated one')
    .argument('<source>', 'image to read')
    .argument('<target>', 'where the accelerated image goes')
    .option('--workers <n>', 'threads that digest and compress (default: one per processor)', wholeNumber)
    .option('--chunk-size <bytes>', 'power of two from 4096 to 16777216 (default 1048576)', wholeNumber)
    .option('--max-ratio <n>', 'how many times its size a layer of over 1 GiB may unpack to (default 200)', wholeNumber)
    .option('--max-unpacked <bytes>', 'how much all layers may unpack to (default 1 TiB)', wholeNumber)
    .option('--work-dir <dir>', 'where blobs wait until they are uploaded (default: below the temporary directory)')
    .addHelpText(
      'after',
      `${REFERENCES}

Examples:
  shoal convert docker://registry.example/app:1.0 docker://registry.example/app:1.0-shoal
  shoal convert oci:./layout:app oci:./converted:app
  shoal convert --plain-http --platform linux/arm64 localhost:5000/app localhost:5000/app:shoal`,
    )
    .action(async (source: string, target: string, options, command: Command) =>
      (await import('./commands/convert.ts')).convert(contextFor(command), source, target, options),
    );
  withReferenceOptions(program.command('check'))
    .description('verify an accelerated image: manifest, bootstrap and the digest of every chunk')
    .argument('<reference>', 'image to check')
    .option('--metadata-only', 'do not fetch the blobs')
    .addHelpText('after', `${REFERENCES}\n\nExample:\n  shoal check oci:./converted:app`)
    .action(async (reference: string, options, command: Command) =>
      (await import('./commands/check.ts')).check(contextFor(command), reference, options),
    );
  withReferenceOptions(program.command('unpack'))
    .description("write an accelerated image's files, or its devices, to a directory")
    .argument('<reference>', 'image to unpack')
    .argument('[dir]', 'empty or new directory for the file tree')
    .option('--devices <dir>', 'write the bootstrap and one uncompressed file per device instead')
    .addHelpText(
      'after',
      `${REFERENCES}

Examples:
  shoal unpack registry.example/app:1.0-shoal ./tree
  shoal unpack --devices ./devices registry.example/app:1.0-shoal     # what the kernel's EROFS mounts`,
    )
    .action(async (reference: string, directory: string | undefined, options, command: Command) =>
      (await import('./commands/unpack.ts')).unpack(contextFor(command), reference, directory, options),
    );
}

function addMountCommands(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('mount'))
    .description('mount an accelerated image; its files are fetched when they are read')
    .argument('<reference>', 'image to mount')
    .argument('<dir>', 'existing directory to mount on')
    .addOption(
      new Option('--driver <name>', 'how to attach it to the kernel').choices(['auto', 'fuse']).default('auto'),
    )
    .option('--rw', 'put a writable layer on top; its changes go with the mount')
    .option('--read-deadline <seconds>', 'reads fail after waiting this long (default: they wait)', wholeNumber)
    .addHelpText('after', `${REFERENCES}\n\nExample:\n  shoal mount registry.example/app:1.0-shoal /mnt/app`)
    .action(async (reference: string, directory: string, options, command: Command) =>
      (await import('./commands/mount.ts')).mount(contextFor(command), reference, directory, options),
    );
  program
    .command('umount')
    .description('remove a mount')
    .argument('<dir>', 'where it is mounted')
    .option('--force', 'also when it is in use: its users get errors')
    .action(async (directory: string, options, command: Command) =>
      (await import('./commands/mount.ts')).umount(contextFor(command), directory, options),
    );
  program
    .command('ps')
    .description('list mounts: image, mountpoint, bytes fetched, requests, hits and misses')
    .addHelpText('after', '\nExample:\n  shoal --json ps')
    .action(async (_options, command: Command) => (await import('./commands/ps.ts')).ps(contextFor(command)));
}

function addRunCommand(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('run'))
    .description("run a program from a lazily mounted image; the network is the host's")
    .argument('<reference>', 'image to run')
    .argument('[command...]', "command and arguments instead of the image's own")
    .option('--rm', 'remove the container and its changes when the program ends')
    .option('-v, --volume <source:target[:ro]>', 'bind a host path into the container (repeatable)', collect, [])
    .option('-e, --env <name=value>', 'set an environment variable (repeatable)', collect, [])
    .addOption(
      new Option('--runtime <name>', 'what starts the program').choices(['auto', 'runc', 'namespaces']).default('auto'),
    )
    .passThroughOptions()
    .addHelpText(
      'after',
      `${REFERENCES}

The exit code is the program's (128 + N when signal N ended it).

Examples:
  shoal run --rm registry.example/python:3.12-shoal python3 -c 'print(1 + 1)'
  shoal run --rm -v /srv/data:/data:ro -e DEBUG=1 oci:./converted:app`,
    )
    .action(async (reference: string, args: string[], options, command: Command) =>
      (await import('./commands/run.ts')).run(contextFor(command), reference, args, options),
    );
}

function addDaemonCommands(program: Command, contextFor: ContextFor): void {
  const daemon = program
    .command('daemon')
    .description('serve mounts in the foreground; SIGTERM unmounts cleanly')
    .option('--exit-when-idle', 'end with the last mount')
    .action(async (options, command: Command) =>
      (await import('./commands/daemon.ts')).runDaemon(contextFor(command, true), options),
    );
  daemon
    .command('stop')
    .description('stop the daemon of this root')
    .action(async (_options, command: Command) =>
      (await import('./commands/daemon.ts')).daemonStop(contextFor(command)),
    );
  program
    .command('demo')
    .description('build an image from this machine, convert it and run it lazily over a slow link, beside a full pull')
    .option('--keep', 'keep the working directory')
    .action(async (options, command: Command) => (await import('./demo/demo.ts')).demo(contextFor(command), options));
}

/** Shown in the help of `shoal` itself, accepted before and behind every command's name. */
function globalOptions(): Option[] {
  return [
    new Option('--root <dir>', 'directory of all state, cache and sockets (env SHOAL_ROOT; default /var/lib/shoal)'),
    new Option('--log-level <level>', 'how much is logged (env SHOAL_LOG_LEVEL; default info)').choices(LOG_LEVELS),
    new Option('--json', 'print results as JSON'),
  ];
}

function acceptGlobalOptions(command: Command): void {
  for (const option of globalOptions()) command.addOption(option.hideHelp());
}

function allCommands(program: Command): Command[] {
  return program.commands.flatMap(command => [command, ...allCommands(command)]);
}

function withReferenceOptions(command: Command): Command {
  return command
    .option('--platform <os/arch[/variant]>', "platform to choose from an index (default: this machine's)")
    .option('--plain-http', 'speak HTTP without TLS to the registry');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}
