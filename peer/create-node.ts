// A node of the swarm, put together out of its parts: identity and membership, network, links to schedulers, discovery, and
// the swarm itself.

import { ShoalError } from '../core/index.ts';
import type { CreatePeerNode } from './ports.ts';

export const createPeerNode: CreatePeerNode = async () => {
  throw new ShoalError('unsupported', 'peer-listen is set, but this version has no swarm yet');
};
