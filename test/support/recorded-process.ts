// Loaded into a process of the product before its own program (`node --import`), so that every byte which its libp2p node
// sends or gets is written down before encryption and after decryption. The product has no switch for this: the test
// replaces `MemberNode.start`, in the process that it starts itself. Read by recordings.ts.

import { openSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Environment variable with the file to write to. */
const FILE = 'RECORD_BYTES_TO';

const path = process.env[FILE];
if (path !== undefined && isMainThread) {
  const { MemberNode } = await import('../../peer/index.ts');
  const start = MemberNode.start.bind(MemberNode);
  MemberNode.start = options => {
    const file = openSync(path, 'a');
    return start({
      ...options,
      record: ({ bytes, ...rest }) =>
        writeSync(file, `${JSON.stringify({ ...rest, bytes: Buffer.from(bytes).toString('base64') })}\n`),
    });
  };
}
