// The grammar of the command line: every command with its options, help and examples. What they do is in commands/,
// loaded when a command is chosen: `ps` should not wait for the converter to be read.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { dockerConfigCredentials, RegistryAccess } from '../registry/index.ts';
import { addClusterCommands } from './cluster-commands.ts';
import type { CommandContext } from './command.ts';
import { BACKINGS, CONFIG_FILE, type ConfigKey, DRIVERS, KEYS } from './config/keys.ts';
import { refuseIdleCredentials, withoutCredentials } from './credentials.ts';
import { LOG_FORMATS, LOG_LEVELS, makeLogger } from './logger.ts';
import {
  addCompletionCommands,
  addInspectCommands,
  addMachineCommands,
  addMetricsCommand,
  addSwarmCommands,
} from './looking-commands.ts';
import { addSchedulerCommand } from './scheduler-command.ts';
import { DOCKER_CERTIFICATES, defaultSettings, type GlobalOptions, readProxies, readSettings } from './settings.ts';
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

export const REFERENCES = `
References:
  docker://HOST/REPO:TAG[@DIGEST]   an image in a registry; docker:// may be left out
  oci:DIR[:TAG]                     an image in an OCI layout directory
  oci-archive:FILE[:TAG]            an image in a tar of an OCI layout`;

const SOURCE_REFERENCES = `${REFERENCES}
  docker-archive:FILE[:REPO:TAG]    an ordinary image that docker save wrote, to read`;

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
  const contextFor: ContextFor = (command, { isDaemon = false, onlyDefaults = false } = {}) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const settings = onlyDefaults ? defaultSettings(options) : readSettings(options, base.env);
    const access = new RegistryAccess({
      credentials: dockerConfigCredentials(settings.dockerConfig, withoutCredentials(base.env)),
      hosts: settings.registries,
      proxies: readProxies(base.env),
      certificateDirectory: DOCKER_CERTIFICATES,
    });
    return {
      ...base,
      settings,
      registry: access,
      log: makeLogger(settings.logFormat, settings.logLevel, { isDaemon }),
    };
  };
  program.commandsGroup('Images:');
  addImageCommands(program, contextFor);
  addInspectCommands(program, contextFor);
  program.commandsGroup('Running:');
  addMountCommands(program, contextFor);
  addRunCommand(program, contextFor);
  program.commandsGroup('Daemon:');
  addDaemonCommands(program, contextFor);
  addMetricsCommand(program, contextFor);
  addSwarmCommands(program, contextFor);
  program.commandsGroup('Cluster:');
  addSchedulerCommand(program, contextFor);
  addClusterCommands(program, contextFor);
  program.commandsGroup('This machine:');
  addMachineCommands(program, contextFor);
  addCompletionCommands(program, contextFor);
  program.helpCommand('help [command]', 'display help for a command');
  for (const command of allCommands(program)) acceptGlobalOptions(command);
  return program;
}

/** `onlyDefaults`: no configuration but defaults, for who looks at a wrong one. */
export type ContextFor = (
  command: Command,
  options?: { readonly isDaemon?: boolean; readonly onlyDefaults?: boolean },
) => CommandContext;

function addImageCommands(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('convert'))
    .description('convert an ordinary image into an accelerated one')
    .argument('<source>', 'image to read')
    .argument('<target>', 'where the accelerated image goes')
    .option('--workers <n>', 'threads that digest and compress (default: one per processor)', wholeNumber)
    .option('--chunk-size <bytes>', 'power of two from 4096 to 16777216 (default 1048576)', wholeNumber)
    .option('--max-ratio <n>', 'how many times its size a layer of over 1 GiB may unpack to (default 200)', wholeNumber)
    .option('--max-unpacked <bytes>', 'how much all layers may unpack to (default 1 TiB)', wholeNumber)
    .option('--src-creds <user[:password]>', "credentials for the source's registry (env SHOAL_SRC_CREDS)")
    .option('--dest-creds <user[:password]>', "credentials for the target's registry (env SHOAL_DEST_CREDS)")
    .addOption(configOption('work-dir', '<dir>'))
    .addOption(
      new Option('--format <name>', "whose media types the result has; docker's only in a registry")
        .choices(['oci', 'docker'])
        .default('oci'),
    )
    .option('--merge-index', 'put the original beside the accelerated image, in one index')
    .option(
      '--copy-referrers',
      "copy the original's signatures, SBOMs and attestations, and the original they are about",
    )
    .addHelpText(
      'after',
      `${SOURCE_REFERENCES}

--platform all converts every platform of an index, and the target gets an index.

Examples:
  shoal convert docker://registry.example/app:1.0 docker://registry.example/app:1.0-shoal
  shoal convert oci:./layout:app oci:./converted:app
  shoal convert --plain-http --platform linux/arm64 localhost:5000/app localhost:5000/app:shoal
  shoal convert --platform all --merge-index registry.example/app:1.0 registry.example/app:1.0
  shoal convert docker-archive:app.tar oci-archive:app-shoal.tar:1.0`,
    )
    .action(async (source: string, target: string, options, command: Command) =>
      (await import('./commands/convert.ts')).convert(contextFor(command), source, target, options),
    );
  withReferenceOptions(program.command('check'))
    .description('verify an accelerated image: manifest, bootstrap and the digest of every chunk')
    .argument('<reference>', 'image to check')
    .option('--metadata-only', 'do not fetch the blobs')
    .option('--source <reference>', 'also compare with the original image, file by file, and its config')
    .option('--src-creds <user[:password]>', "credentials for the original's registry (env SHOAL_SRC_CREDS)")
    .addHelpText(
      'after',
      `${SOURCE_REFERENCES}

Examples:
  shoal check oci:./converted:app
  shoal check --metadata-only registry.example/app:1.0-shoal
  shoal check --source registry.example/app:1.0 registry.example/app:1.0-shoal`,
    )
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
    .argument('<dir>', 'existing, empty directory to mount on')
    .addOption(configOption('driver', '<name>').choices(DRIVERS))
    .addOption(configOption('erofs-backing', '<name>').choices(BACKINGS))
    .option('--rw', 'put a writable layer on top; its changes go with the mount')
    .option('--non-empty', 'mount also over a directory that has something in it, which is hidden then')
    .addOption(configOption('read-deadline', '<seconds>'))
    .addHelpText(
      'after',
      `${REFERENCES}

Examples:
  shoal mount registry.example/app:1.0-shoal /mnt/app
  shoal mount --rw --read-deadline 60 oci:./converted:app /mnt/app`,
    )
    .action(async (reference: string, directory: string, options, command: Command) =>
      (await import('./commands/mount.ts')).mount(contextFor(command), reference, directory, options),
    );
  program
    .command('umount')
    .description('remove a mount')
    .argument('<dir>', 'where it is mounted')
    .option('--force', 'also when it is in use: its users get errors')
    .addHelpText('after', '\nExamples:\n  shoal umount /mnt/app\n  shoal umount --force /mnt/app')
    .action(async (directory: string, options, command: Command) =>
      (await import('./commands/mount.ts')).umount(contextFor(command), directory, options),
    );
  program
    .command('ps')
    .description('list mounts: image, state, how much is here and where it came from, requests, reads, hits')
    .option('--watch [seconds]', 'look again and again (default: every 2 seconds); Ctrl-C ends it', wholeSeconds)
    .addHelpText(
      'after',
      `
HERE is how much of the image is in the cache. CACHE are bytes that were on this node already, PEERS and ORIGIN those that
came from other nodes and from the registry or its mirrors, as they came (compressed). NOW is what comes per second, a
mean over the last seconds. HITS is the part of the reads that found all
they wanted in the cache. WAITING is how many reads wait now, and for how long the one that has waited longest.

Examples:
  shoal ps
  shoal ps --watch 1
  shoal --json ps`,
    )
    .action(async (options, command: Command) => (await import('./commands/ps.ts')).ps(contextFor(command), options));
}

function addRunCommand(program: Command, contextFor: ContextFor): void {
  withReferenceOptions(program.command('run'))
    .description("run a program from a lazily mounted image; the network is the host's")
    .argument('<reference>', 'image to run')
    .argument('[command...]', "command and arguments instead of the image's own")
    .option('--rm', 'remove the container and its changes when the program ends')
    .option('-v, --volume <source:target[:ro]>', 'bind a host path into the container (repeatable)', collect)
    .option('-e, --env <name=value>', 'set an environment variable (repeatable)', collect)
    .addOption(
      new Option('--runtime <name>', 'what starts the program').choices(['auto', 'runc', 'namespaces']).default('auto'),
    )
    .addOption(configOption('driver', '<name>').choices(DRIVERS))
    .addOption(configOption('erofs-backing', '<name>').choices(BACKINGS))
    .addOption(configOption('read-deadline', '<seconds>'))
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
    .option('--takeover', 'in the place of the daemon that runs, which ends; readers of its mounts wait a moment')
    .option('--supervise', 'run it as a child, and start it again when it dies')
    .addOption(new Option('--look-after').hideHelp())
    .addOption(new Option('--restarted').hideHelp())
    .addOption(configOption('serve-workers', '<n>'))
    .addOption(configOption('store-workers', '<n>'))
    .addOption(configOption('fetch-requests', '<n>'))
    .addHelpText(
      'after',
      `
Examples:
  shoal daemon                         # in the foreground; under systemd
  shoal daemon --exit-when-idle
  shoal daemon --takeover              # after an upgrade, for instance
  shoal daemon stop`,
    )
    .action(async (options, command: Command) =>
      (await import('./commands/daemon.ts')).runDaemon(contextFor(command, { isDaemon: true }), options),
    );
  daemon
    .command('stop')
    .description('stop the daemon of this root')
    .addHelpText('after', '\nExamples:\n  shoal daemon stop\n  shoal --root /data/shoal daemon stop')
    .action(async (_options, command: Command) =>
      (await import('./commands/daemon.ts')).daemonStop(contextFor(command)),
    );
  daemon
    .command('holder')
    .description('keep the connections of mounts for daemons that come and go in containers')
    .addHelpText('after', '\nExamples:\n  shoal --root /data/shoal daemon holder      # on the host; in the foreground')
    .action(async (_options, command: Command) =>
      (await import('./commands/daemon.ts')).runDaemonHolder(contextFor(command)),
    );
  program
    .command('demo')
    .helpGroup('This machine:')
    .description('build an image from this machine, convert it and run it lazily over a slow link, beside a full pull')
    .option('--keep', 'keep the working directory')
    .addHelpText('after', '\nExamples:\n  shoal demo\n  shoal --json demo')
    .action(async (options, command: Command) => (await import('./demo/demo.ts')).demo(contextFor(command), options));
}

/** Shown in the help of `shoal` itself, accepted before and behind every command's name. */
function globalOptions(): Option[] {
  return [
    new Option('--config <file>', `configuration file (env ${CONFIG_FILE.env}; default ${CONFIG_FILE.fallback})`),
    configOption('root', '<dir>'),
    configOption('log-level', '<level>').choices(LOG_LEVELS),
    configOption('log-format', '<format>').choices(LOG_FORMATS),
    new Option('--json', 'print results as JSON'),
  ];
}

/**
 * The flag of a configuration key. It has no default and no parser of its own: whatever is given, here, in the
 * environment or in the file, is checked in one place.
 */
export function configOption(key: ConfigKey, argument: string): Option {
  const { meaning, env, flag = `--${key}`, fallback, defaultText } = KEYS[key];
  const otherwise = fallback ?? defaultText?.replaceAll('`', '');
  return new Option(`${flag} ${argument}`, `${meaning} (env ${env}; default: ${otherwise})`);
}

function acceptGlobalOptions(command: Command): void {
  for (const option of globalOptions()) command.addOption(option.hideHelp());
}

function allCommands(program: Command): Command[] {
  return program.commands.flatMap(command => [command, ...allCommands(command)]);
}

export function withReferenceOptions(command: Command): Command {
  return command
    .option('--platform <os/arch[/variant]>', "platform to choose from an index (default: this machine's)")
    .option('--plain-http', 'speak HTTP without TLS to the registry')
    .option('--insecure', 'speak TLS to the registry without looking at its certificate')
    .option(
      '--creds <user[:password]>',
      "credentials for the image's registry (env SHOAL_CREDS); a password left out is read from standard input",
    )
    .hook('preAction', (_parent, { processedArgs: [first, second] }) => {
      const given = command.opts<{ readonly source?: string }>();
      const [from, to] = command.name() === 'convert' ? [first, second] : [given.source, undefined];
      refuseIdleCredentials(given, { creds: [first, from, to], srcCreds: [from], destCreds: [to] });
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** A day. Timers of Node end at 24 days, and go off at once when told of more. */
const MAX_WATCH_S = 86_400;

function wholeSeconds(text: string): number {
  const number = wholeNumber(text);
  if (number < 1 || number > MAX_WATCH_S) throw new InvalidArgumentError(`Expected 1 to ${MAX_WATCH_S} seconds.`);
  return number;
}

function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
