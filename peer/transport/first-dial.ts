// Who dials whom. When an image starts on many nodes all learn of each other at the same instant, and each pair would shake
// hands twice. So of two the one with the smaller peer id dials; the other waits for that a moment, and dials if it does not
// come (it may not know of us, or not reach us).

import type { Clock } from '../../core/index.ts';
import type { MemberLibp2p } from './node.ts';

/** Longer than a handshake on a busy machine, shorter than anybody notices at a start. */
const DIALLED_WITHIN_MS = 500;

export type DialledNode = Pick<MemberLibp2p, 'getConnections' | 'peerId' | 'addEventListener' | 'removeEventListener'>;

/** Resolves when it is time to dial the peer: a connection is there already, or it is on us. Never rejects. */
export async function awaitTurnToDial(
  peerId: string,
  { libp2p, clock }: { readonly libp2p: DialledNode; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const isHere = () => libp2p.getConnections().some(({ remotePeer }) => remotePeer.toString() === peerId);
  if (libp2p.peerId.toString() < peerId || isHere()) return;
  const came = new AbortController();
  const onOpen = ({ detail }: { readonly detail: { readonly remotePeer: { toString(): string } } }): void => {
    if (detail.remotePeer.toString() === peerId) came.abort();
  };
  libp2p.addEventListener('connection:open', onOpen);
  try {
    await clock.sleep(DIALLED_WITHIN_MS, { signal: AbortSignal.any([signal, came.signal]) });
  } catch {
    // It came, or the link is not needed any more: whoever dials next sees which.
  } finally {
    libp2p.removeEventListener('connection:open', onOpen);
  }
}
