// The ids under which libp2p finds our protocols. A changed meaning of any message is a new number.

export const PIECES_PROTOCOL = '/shoal/pieces/1';
export const SCHEDULER_PROTOCOL = '/shoal/scheduler/1';
/** Prefix of the DHT's own protocol: our tables and the public network's never mix. */
export const DHT_PROTOCOL = '/shoal/kad/1';
