// A real libp2p node on 127.0.0.1, without membership: for tests of protocols.

import type { TestContext } from 'node:test';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Ed25519PrivateKey, Libp2p } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import type { PeerAddress } from '../../peer/index.ts';

export interface NodeOptions {
  /** To come back as the same peer. */
  readonly privateKey?: Ed25519PrivateKey;
  /** 0: any. */
  readonly port?: number;
}

/** Stopped when the test ends. */
export async function libp2pNode(t: TestContext, { privateKey, port = 0 }: NodeOptions = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    ...(privateKey && { privateKey }),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: 5_000,
      inboundConnectionThreshold: Infinity,
      maxIncomingPendingConnections: 1_000,
    },
  });
  t.after(() => node.stop());
  return node;
}

export function addressOf(node: Libp2p): PeerAddress {
  return { peerId: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) };
}

export function portOf(node: Libp2p): number {
  return Number(
    node
      .getMultiaddrs()[0]
      ?.getComponents()
      .find(({ name }) => name === 'tcp')?.value,
  );
}
