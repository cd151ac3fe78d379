// A daemon in a process of its own, for tests that kill it. Not a test: run with a root, a mountpoint, a mode, a driver
// (default: auto), `keep` when its mounts are to outlive it, and `loop` for that backing.
// Mounts the same image every time, says `mounted`, and serves until it is ended. SIGTERM stops it in the orderly way, SIGUSR2 makes it hand over.
//   ro, rw   a read-only or writable mount
//   hang     the same as rw (ro where the driver can't write, or with `keep`), and no chunk is ever delivered
//   none     mounts nothing: goes on with what there is; says `started`
//   deaf     the same, and no chunk is ever delivered
//   churn    mounts (writable, where the driver can) and unmounts over and over, for tests that kill it at any moment; says `started` before

import { silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import { killableImage, libraryOf, requestFor, useBacking, useDriver } from './lazy-image.ts';

const [, , root = '', mountpoint = '', mode = 'ro', driver, ...how] = process.argv;
if (driver === 'erofs' || driver === 'fuse') useDriver(driver);
if (how.includes('loop')) useBacking('loop');
const keepMounts = how.includes('keep');
const writable = mode === 'ro' || driver === 'erofs' ? false : mode !== 'hang' || !keepMounts;
const { signal } = new AbortController();
const image = killableImage();
if (mode === 'hang' || mode === 'deaf') image.origin.pause();
const daemon = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf(image) }, { root, keepMounts });
await daemon.start();
process.on('SIGTERM', () => {
  void daemon.stop();
});
process.on('SIGUSR2', () => {
  void daemon.handOver().then(() => process.kill(process.pid, 'SIGKILL'));
});
const mounts = mode !== 'none' && mode !== 'deaf';
if (mode === 'churn' || !mounts) process.stdout.write('started\n');
while (mounts) {
  await daemon.mount(requestFor(image, mountpoint, { writable }), { signal });
  if (mode === 'churn') await daemon.unmount(mountpoint, { signal });
  if (mode !== 'churn') break;
}
if (mounts) process.stdout.write('mounted\n');
await daemon.ended;
process.exit(0);
