// shoal scheduler: the cluster's scheduler, in the foreground.

import { type Logger, systemClock } from '../../core/index.ts';
import { type Identity, MemberNode, Membership, openIdentity } from '../../peer/index.ts';
import { startScheduler } from '../../scheduler/index.ts';
import type { CommandContext } from '../command.ts';
import { multiaddrOf } from '../config/endpoint.ts';
import type { Settings } from '../settings.ts';
import { VERSION } from '../version.ts';

/** A connection of each node, and some that are about to go. */
const MAX_CONNECTIONS = 22_000;

/** Resolves after Ctrl-C or SIGTERM, when everything is closed. */
export async function runScheduler({ settings, log, signal }: CommandContext): Promise<void> {
  const identity = await openIdentity(settings.peerDirectory);
  const node = await startNode(settings, identity, log);
  try {
    const { host, port } = settings.scheduler.httpListen;
    const options = { host, port, version: VERSION, peerId: node.peerId };
    const scheduler = await startScheduler({ node: node.libp2p, clock: systemClock, log }, options);
    const { addresses } = node;
    log.info('scheduler is ready', { peer: node.peerId, addresses, http: `${host}:${scheduler.httpPort}` });
    if (!signal.aborted) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
    await scheduler.stop();
  } finally {
    await node.stop();
  }
  log.info('scheduler has ended');
}

async function startNode({ cluster, scheduler }: Settings, identity: Identity, log: Logger): Promise<MemberNode> {
  const membership = await Membership.open({
    peerId: identity.peerId,
    role: 'scheduler',
    clusterKeyFile: cluster.keyFile,
    certificateFile: cluster.certificateFile,
    revocationsFile: cluster.revocationsFile,
    clock: systemClock,
    log,
  });
  return MemberNode.start({
    identity,
    membership,
    listen: [multiaddrOf(scheduler.listen)],
    maxConnections: MAX_CONNECTIONS,
    // Peers find each other through peers: a scheduler has enough to do.
    dht: 'client',
    clock: systemClock,
    log,
  });
}
