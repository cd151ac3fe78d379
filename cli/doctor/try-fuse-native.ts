// A short-lived process of doctor: loads the optional package fuse-native, which may be missing, have no binary for this
// platform, or take the process down.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import koffi from 'koffi';
import { messageOf } from '../../core/index.ts';

const require = createRequire(import.meta.url);

try {
  // The binary looks for a libfuse.so.2 that most machines lack; the one that comes along is found once it is loaded.
  if (process.platform === 'linux') {
    koffi.load(join(require.resolve('fuse-shared-library-linux/package.json'), '../libfuse/lib/libfuse.so'));
  }
  require('fuse-native');
} catch (error) {
  process.stderr.write(`shoal: ${messageOf(error).split('\n')[0]}\n`);
  process.exitCode = 1;
}
