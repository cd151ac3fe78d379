// A server worker that dies in the middle of a request: when it is asked for the name `die`. Not a test.

import { FuseDevice } from '../../../daemon/fuse/device.ts';
import { InHeader, Op } from '../../../daemon/fuse/protocol.ts';

const { receive } = FuseDevice.prototype;

/** Ends this thread between receiving the request and answering it, when the caller has noted what it works on. */
FuseDevice.prototype.receive = function (this: FuseDevice): number {
  const length = Reflect.apply(receive, this, []);
  const name = this.requestBytes.toString('latin1', InHeader.BYTES, length - 1);
  if (this.request[InHeader.OPCODE] === Op.LOOKUP && name === 'die') {
    this.respond = this.fail = () => process.exit(7);
  }
  return length;
};

await import('../../../daemon/fuse/server-worker.ts');
