// A member of the cluster that is not one of ours. It takes part from the beginning; the others must finish as if it were
// not there, and liars must be banned.

import type { Malice } from '../support/swarm/evil-tasks.ts';
import type { Scenario } from './scenario.ts';

/** On links like these, the longest that a request waits before another peer is asked as well, and some leases. */
const HEDGE_MS = 5_000;

function evil(malice: Malice, about: string): Scenario {
  return { name: malice, about, needsPeers: true, graceMs: HEDGE_MS, evil: malice, play: async () => {} };
}

export const PEER_SCENARIOS: readonly Scenario[] = [
  evil('wrong-bytes', 'a peer sends wrong bytes'),
  evil('lying-bitmap', 'a peer says that it has all, and has nothing'),
  evil('silent', 'a peer says that it has all, and answers nothing'),
  evil('one-byte', 'a peer answers at one byte a second'),
  evil('never-reads', 'a peer asks for everything and never reads an answer'),
];
