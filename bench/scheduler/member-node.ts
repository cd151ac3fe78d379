// A member of a cluster whose key is at hand, as the benchmark's processes need them.

import { join } from 'node:path';
import { silentLogger, systemClock } from '../../core/index.ts';
import { MemberNode, Membership, newIdentity } from '../../peer/index.ts';
import type { MemberRole } from '../../proto/index.ts';

export async function memberNode(
  directory: string,
  role: MemberRole,
  listen: readonly string[],
  maxConnections?: number,
): Promise<MemberNode> {
  const identity = newIdentity();
  const membership = await Membership.open({
    peerId: identity.peerId,
    role,
    clusterKeyFile: join(directory, 'cluster.pub'),
    certificateFile: join(directory, 'cluster.key'),
    revocationsFile: join(directory, 'revocations'),
    clock: systemClock,
    log: silentLogger,
  });
  return MemberNode.start({
    identity,
    membership,
    listen,
    ...(maxConnections !== undefined && { maxConnections }),
    dht: 'client',
    clock: systemClock,
    log: silentLogger,
  });
}
