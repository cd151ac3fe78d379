// A process that connects to a scheduler, greets, and then does nothing: its test stops it (SIGSTOP).
//   node frozen-node.ts MULTIADDR

import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { NodeMessage, SCHEDULER_PROTOCOL } from '../../proto/index.ts';

const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] });
const stream = await node.dialProtocol(multiaddr(process.argv[2]), SCHEDULER_PROTOCOL);
const hello = NodeMessage.encode({ hello: { name: 'frozen' } }).finish();
const head = Buffer.alloc(4);
head.writeUInt32BE(hello.length);
stream.send(Buffer.concat([head, hello]));
stream.addEventListener('message', () => {});
process.stdout.write(`${node.peerId}\n`);
