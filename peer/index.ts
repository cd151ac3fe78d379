// The public door of peer: the node that shares blobs with others.

export * from './ports.ts';
export * from './transport/handshake.ts';
export * from './transport/identity.ts';
export * from './transport/membership.ts';
export * from './transport/node.ts';
export * from './transport/private-file.ts';
export * from './transport/recording.ts';
export * from './transport/transport.ts';
