// A daemon in a process of its own, for tests that kill it. Not a test: run with a root, a mountpoint, a mode, a driver and
// a backing (default: auto).
// Mounts the same image every time, says `mounted`, and serves until it is ended. SIGTERM stops it in the orderly way.
//   ro, rw   a read-only or writable mount
//   hang     the same as rw, and no chunk is ever delivered
//   churn    mounts (writable) and unmounts over and over, for tests that kill it at any moment; says `started` before

import { silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import { killableImage, libraryOf, requestFor, useBacking, useDriver } from './lazy-image.ts';

const [, , root = '', mountpoint = '', mode = 'ro', driver, backing] = process.argv;
if (driver === 'erofs') useDriver(driver);
if (backing === 'loop') useBacking(backing);
const { signal } = new AbortController();
const image = killableImage();
if (mode === 'hang') image.origin.pause();
const daemon = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf(image) }, { root });
await daemon.start();
process.on('SIGTERM', () => {
  void daemon.stop();
});
if (mode === 'churn') process.stdout.write('started\n');
do {
  await daemon.mount(requestFor(image, mountpoint, { writable: mode !== 'ro' }), { signal });
  if (mode === 'churn') await daemon.unmount(mountpoint, { signal });
} while (mode === 'churn');
process.stdout.write('mounted\n');
await daemon.ended;
process.exit(0);
