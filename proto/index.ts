// The public door of proto: what Shoal's processes say to each other, and how it is put on a stream.

export * from './certificate.ts';
export * from './message-stream.ts';
export * from './messages.ts';
export * from './owner.ts';
export * from './peer-ids.ts';
export * from './protocols.ts';
export * from './scheduler-messages.ts';
export * from './task-id.ts';
