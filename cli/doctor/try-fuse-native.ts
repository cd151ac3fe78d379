// A short-lived process of doctor: loads the optional package fuse-native, which may have no library to go with it here,
// or take the process down.

import { messageOf } from '../../core/index.ts';
import { tryToLoadFuseNative } from '../../daemon/index.ts';

try {
  await tryToLoadFuseNative();
} catch (error) {
  process.stderr.write(`shoal: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
