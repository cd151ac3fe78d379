// Images made of Debian packages by foreign tools (debootstrap, apt, umoci): a minimal base, Python on top of it, nginx
// on top of it, with what package management does to layers: replaced files, whiteouts, setuid programs, file
// capabilities. The base is built once for a test file.

import { execFile } from 'node:child_process';
import { appendFile, chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SUITE = 'bookworm';
/** Downloads and unpacking of a minimal Debian; a slow mirror must not hang the tests. */
const BUILD_TIMEOUT_MS = 300_000;

export interface DebianImages {
  /** OCI layout directory that holds all tags. */
  readonly layout: string;
  readonly tags: readonly ['base', 'python', 'nginx'];
}

/** Builds below `directory`; everything it makes stays below it. `withNode` adds the tag `node`. */
export async function buildDebianImages(
  directory: string,
  options: { readonly withNode?: boolean } = {},
): Promise<DebianImages> {
  const layout = join(directory, 'layout');
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', `${layout}:empty`]);
  await layer(directory, layout, 'empty', 'base', async rootfs => {
    await run('debootstrap', ['--variant=minbase', SUITE, rootfs], { timeout: BUILD_TIMEOUT_MS });
    await run('sh', ['-c', 'rm -rf "$0"/dev/* "$0"/proc/* "$0"/sys/*', rootfs]);
  });
  await layer(directory, layout, 'base', 'python', rootfs => installPackages(rootfs, ['python3']));
  await layer(directory, layout, 'base', 'nginx', async rootfs => {
    await installPackages(rootfs, ['nginx-light', 'libcap2-bin', 'attr']);
    await addAwkwardFiles(rootfs);
  });
  if (options.withNode) await layer(directory, layout, 'base', 'node', rootfs => installPackages(rootfs, ['nodejs']));
  return { layout, tags: ['base', 'python', 'nginx'] };
}

async function layer(
  directory: string,
  layout: string,
  from: string,
  to: string,
  change: (rootfs: string) => Promise<void>,
): Promise<void> {
  const bundle = join(directory, `bundle-${to}`);
  await run('umoci', ['unpack', '--image', `${layout}:${from}`, bundle]);
  await change(join(bundle, 'rootfs'));
  await run('umoci', ['repack', '--image', `${layout}:${to}`, bundle], { timeout: BUILD_TIMEOUT_MS });
  await rm(bundle, { recursive: true, force: true });
}

async function installPackages(rootfs: string, packages: readonly string[]): Promise<void> {
  await copyFile('/etc/resolv.conf', join(rootfs, 'etc/resolv.conf'));
  // No service may start in the chroot, and no debconf question may wait for an answer.
  await writeFile(join(rootfs, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  await run('chroot', [rootfs, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], {
    timeout: BUILD_TIMEOUT_MS,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 16 << 20,
  });
  await rm(join(rootfs, 'usr/sbin/policy-rc.d'));
  // Deletes what the lower layer has: whiteouts and opaque directories of a real image.
  await run('sh', [
    '-c',
    'rm -rf "$0"/var/lib/apt/lists "$0"/var/cache/apt/*.bin && mkdir "$0"/var/lib/apt/lists',
    rootfs,
  ]);
}

/** What packages rarely contain: capabilities, setuid copies, attributes of other namespaces, odd names and nodes. */
async function addAwkwardFiles(rootfs: string): Promise<void> {
  const folder = join(rootfs, 'opt/awkward');
  await mkdir(folder, { recursive: true });
  await copyFile(join(rootfs, 'usr/bin/id'), join(folder, 'setuid-id'));
  await chmod(join(folder, 'setuid-id'), 0o4755);
  await copyFile(join(rootfs, 'usr/bin/cat'), join(folder, 'capable-cat'));
  await run('setcap', ['cap_dac_override,cap_setuid=ep', join(folder, 'capable-cat')]);
  await run('setfattr', ['-n', 'user.note', '-v', 'a\\000b', join(folder, 'capable-cat')]);
  await writeFile(join(folder, 'secret'), 'only root may read this\n', { mode: 0o600 });
  await appendFile(Buffer.concat([Buffer.from(`${folder}/not-utf8-`), Buffer.of(0xff, 0xfe)]), 'bytes\n');
  await run('mknod', [join(folder, 'char'), 'c', '300', '70000']);
  await run('mkfifo', [join(folder, 'fifo')]);
  await run('ln', [join(folder, 'secret'), join(folder, 'a-hard-link')]);
  await run('touch', ['-h', '-d', '1960-02-03 04:05:06.123456789 UTC', join(folder, 'secret')]);
}
