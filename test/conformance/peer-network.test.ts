// PeerTransport over real, encrypted connections on 127.0.0.1 is held to the contract.

import { makeCluster } from '../support/member-nodes.ts';
import { startPeer } from '../support/peers.ts';
import { peerNetworkConformance } from './peer-network.ts';

peerNetworkConformance('libp2p', async t => {
  const cluster = await makeCluster(t);
  const [child, parent] = await Promise.all([startPeer(t, cluster), startPeer(t, cluster)]);
  const cut = () => {
    for (const connection of parent.node.libp2p.getConnections()) connection.abort(new Error('cut'));
  };
  return { child: child.transport, parent: parent.address, tasks: parent.tasks, cut };
});
