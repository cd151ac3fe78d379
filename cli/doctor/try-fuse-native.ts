// A short-lived process of doctor: loads the optional package fuse-native, which may be missing, have no binary for this
// platform, or take the process down.

import { messageOf } from '../../core/index.ts';
import { loadNative } from '../../daemon/index.ts';

try {
  await loadNative();
} catch (error) {
  process.stderr.write(`shoal: ${messageOf(error).split('\n')[0]}\n`);
  process.exitCode = 1;
}
