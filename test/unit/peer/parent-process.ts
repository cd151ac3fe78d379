// A parent in a process of its own, to be killed: serves one blob of 64 pieces, and never gets past the
// half of them.
//   node parent-process.ts DIRECTORY-OF-CLUSTER DIRECTORY-OF-NODE [LISTEN]     prints its address

import { join } from 'node:path';
import { silentLogger, systemClock } from '../../../core/index.ts';
import { MemberNode, Membership, openIdentity, PeerTransport } from '../../../peer/index.ts';
import { MemoryServedTasks } from '../../support/memory-served-tasks.ts';

const [cluster = '', directory = '', listen = '/ip4/127.0.0.1/tcp/0'] = process.argv.slice(2);
const common = { clock: systemClock, log: silentLogger };
const identity = await openIdentity(directory);
const membership = await Membership.open({
  ...common,
  peerId: identity.peerId,
  role: 'peer',
  clusterKeyFile: join(cluster, 'cluster.pub'),
  // With the cluster's key a node certifies itself.
  certificateFile: join(cluster, 'cluster.key'),
  revocationsFile: join(directory, 'revocations'),
});
const node = await MemberNode.start({ ...common, identity, membership, listen: [listen] });
const tasks = new MemoryServedTasks();
const served = tasks.add(1, 64);
served.beforeRead = piece => (piece < 32 ? undefined : new Promise(() => {}));
await PeerTransport.start({ ...common, node, tasks, uploadSlots: 4 });
process.stdout.write(`${node.addresses[0]}\n`);
