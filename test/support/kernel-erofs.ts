// Mounts a bootstrap by the kernel's own EROFS over files: the judge of what the bootstrap writer makes. Needs root and
// Linux 6.12. It is mount(2) itself, because mount(8) puts a loop device under every file, and it runs in a child process
// (this file again), so that a mount that hangs takes no test process with it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';

/** A mount of a small image takes milliseconds. */
const MOUNT_DEADLINE_MS = 30_000;
const MS_RDONLY = 1;
const MNT_DETACH = 2;

/**
 * Mounts `bootstrapPath` with one file per device, in blob-table order, and returns the mountpoint: a new directory that
 * the test's end unmounts and removes. No devices at all means one flat file. Rejects when the kernel refuses.
 */
export async function mountErofs(
  t: TestContext,
  bootstrapPath: string,
  devicePaths: readonly string[],
): Promise<string> {
  const mountpoint = await mkdtemp(join(tmpdir(), 'shoal-test-erofs-'));
  let mounted = false;
  t.after(async () => {
    if (mounted) await runChild(['umount', mountpoint]);
    await rmdir(mountpoint);
  });
  await runChild(['mount', bootstrapPath, mountpoint, devicePaths.map(path => `device=${path}`).join(',')]);
  mounted = true;
  return mountpoint;
}

async function runChild(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: MOUNT_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')}: ${complaint.trim() || `ended with ${code}`}`);
}

function callKernel([what, ...args]: readonly string[]): void {
  const libc = koffi.load('libc.so.6');
  const result =
    what === 'mount'
      ? libc.func('int mount(const char*, const char*, const char*, unsigned long, const char*)')(
          args[0],
          args[1],
          'erofs',
          MS_RDONLY,
          args[2],
        )
      : libc.func('int umount2(const char*, int)')(args[0], MNT_DETACH);
  if (result !== 0) {
    process.stderr.write(`errno ${koffi.errno()}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) callKernel(process.argv.slice(2));
