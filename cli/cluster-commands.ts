// shoal cluster: grammar and help of the commands that make a cluster of nodes and say who belongs to it.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { MemberRole } from '../proto/index.ts';
import type { ContextFor } from './program.ts';

const MAX_DAYS = 36_500;

/** Not from proto: `shoal ps` need not wait until libp2p is read. */
const ROLES: readonly MemberRole[] = ['peer', 'scheduler'];

export function addClusterCommands(program: Command, contextFor: ContextFor): void {
  const cluster = program
    .command('cluster')
    .description('say which nodes share blobs: keys, certificates, revocations')
    .addHelpText(
      'after',
      `
Nodes speak only with nodes that have a certificate of the same cluster. docs/operations.md tells how to set one up.

Examples:
  shoal cluster init ./cluster
  shoal cluster id
  shoal cluster certify --key ./cluster/cluster.key --peer 12D3KooW... -o node1.cert`,
    );
  cluster
    .command('init')
    .description('make the key pair of a new cluster: cluster.key, which stays secret, and cluster.pub, for every node')
    .argument('<dir>', 'directory for the two files; created when missing')
    .addHelpText('after', '\nExamples:\n  shoal cluster init ./cluster\n  shoal --json cluster init /root/cluster')
    .action(async (directory: string, _options, command: Command) =>
      (await import('./commands/cluster.ts')).clusterInit(contextFor(command), directory),
    );
  cluster
    .command('id')
    .description("print this node's peer id, and make its key where there is none")
    .addHelpText('after', '\nExamples:\n  shoal cluster id\n  shoal --root /var/lib/shoal-scheduler cluster id')
    .action(async (_options, command: Command) =>
      (await import('./commands/cluster.ts')).clusterId(contextFor(command)),
    );
  cluster
    .command('certify')
    .description('sign certificates that make nodes members')
    .requiredOption('--key <file>', "the cluster's private key")
    .option('--peer <id>', 'peer id to certify (repeatable)', collect)
    .option('--peers <file>', 'file with a peer id on each line; - is standard input')
    .addOption(new Option('--role <name>', 'what the nodes are').choices(ROLES).default('peer'))
    .option('--days <n>', 'how long the certificates hold', days, 365)
    .option('-o, --out <file>', 'where the certificate goes; of several peers: a directory, for files named ID.cert')
    .addHelpText(
      'after',
      `
One certificate without --out goes to standard output.

Examples:
  shoal cluster certify --key cluster.key --peer 12D3KooW... > node1.cert
  shoal cluster certify --key cluster.key --peer 12D3KooW... --role scheduler --days 90 -o scheduler.cert
  shoal cluster certify --key cluster.key --peers ids.txt --out certificates/`,
    )
    .action(async (options, command: Command) =>
      (await import('./commands/cluster.ts')).clusterCertify(contextFor(command), options),
    );
  cluster
    .command('revoke')
    .description('sign that nodes are members no more')
    .requiredOption('--key <file>', "the cluster's private key")
    .option('--peer <id>', 'peer id to revoke (repeatable)', collect)
    .option('-o, --out <file>', 'the revocations so far, which are added to (default: revocations, beside the key)')
    .addHelpText(
      'after',
      `
The file goes to ROOT/peer/revocations of a few nodes; whoever they connect with takes it over.

Examples:
  shoal cluster revoke --key ./cluster/cluster.key --peer 12D3KooW...
  shoal cluster revoke --key cluster.key --peer 12D3KooW... --out revocations`,
    )
    .action(async (options, command: Command) =>
      (await import('./commands/cluster.ts')).clusterRevoke(contextFor(command), options),
    );
  cluster
    .command('show')
    .description('tell what a key, a certificate or a file of revocations says')
    .argument('<file>', 'file to look at')
    .option('--key <file>', "the cluster's public or private key: also check the signature and the time")
    .addHelpText(
      'after',
      `
Examples:
  shoal cluster show node1.cert
  shoal --json cluster show --key cluster.pub revocations`,
    )
    .action(async (file: string, options, command: Command) =>
      (await import('./commands/cluster.ts')).clusterShow(contextFor(command), file, options),
    );
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function days(text: string): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_DAYS) return number;
  throw new InvalidArgumentError(`Expected 1 to ${MAX_DAYS} days.`);
}
