// A server worker that dies in the middle of a request: when it is asked for the name `die`. Not a test.

import { FuseDevice } from '../../../daemon/fuse/device.ts';
import { InHeader, Op } from '../../../daemon/fuse/protocol.ts';
import { RingDevice } from '../../../daemon/fuse/ring-device.ts';

/** Ends this thread between receiving the request and answering it, when the caller has noted what it works on. */
for (const device of [FuseDevice.prototype, RingDevice.prototype]) {
  const { respond, fail } = device;
  device.respond = function (bytes: number): void {
    if (isDeadly(this)) process.exit(7);
    Reflect.apply(respond, this, [bytes]);
  };
  device.fail = function (errno: number): void {
    if (isDeadly(this)) process.exit(7);
    Reflect.apply(fail, this, [errno]);
  };
}

function isDeadly({ request, requestBytes }: Pick<FuseDevice, 'request' | 'requestBytes'>): boolean {
  const end = (request[InHeader.LENGTH] ?? 0) - 1;
  return request[InHeader.OPCODE] === Op.LOOKUP && requestBytes.toString('latin1', InHeader.BYTES, end) === 'die';
}

await import('../../../daemon/fuse/server-worker.ts');
