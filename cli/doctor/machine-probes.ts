// What doctor says about the machine: kernel, rights, limits. Pure: facts in, findings out.

import { planRings } from '../../daemon/index.ts';
import { bytes } from '../output.ts';
import { CAP_SYS_ADMIN, hasCapability } from './capabilities.ts';
import type { Probe } from './finding.ts';
import { atLeast, EROFS_FILE_KERNEL, FUSE_KERNEL, RESEND_KERNEL } from './kernels.ts';

const RINGS_PARAMETER = '/sys/module/fuse/parameters/enable_uring';
/** A mount holds a descriptor of each of its blobs in each thread that serves it: this is a few hundred mounts. */
const COMFORTABLE_FILES = 4_096;
/** The daemon itself, its threads' memory and a few mounts. */
const LEAST_MEMORY_BYTES = 256 << 20;
/** Every mount has two threads of its own. */
const COMFORTABLE_TASKS = 512;

const kernel: Probe = ({ platform, kernel: release }) => {
  const base = { area: 'kernel', name: 'version' } as const;
  if (platform !== 'linux') {
    return {
      ...base,
      verdict: 'warn',
      found: `${platform} ${release}: only fuse-native can mount here`,
      todo: 'use Linux for the drivers fuse and erofs',
    };
  }
  if (!atLeast(release, FUSE_KERNEL)) {
    return {
      ...base,
      verdict: 'fail',
      found: `Linux ${release}: FUSE older than 7.31`,
      todo: 'use Linux 5.4 or newer',
    };
  }
  const enables = ['FUSE'];
  if (atLeast(release, RESEND_KERNEL)) enables.push('takeover of FUSE connections (6.9)');
  if (atLeast(release, EROFS_FILE_KERNEL)) enables.push('EROFS from files (6.12)');
  return { ...base, verdict: 'ok', found: `Linux ${release}: ${enables.join(', ')}` };
};

const fuseModule: Probe = ({ fileSystems, platform }) => {
  const base = { area: 'kernel', name: 'FUSE' } as const;
  if (platform !== 'linux') return { ...base, verdict: 'note', found: `not looked for on ${platform}` };
  if (fileSystems.includes('fuse')) return { ...base, verdict: 'ok', found: 'in the kernel' };
  return {
    ...base,
    verdict: 'fail',
    found: 'the kernel has not loaded it',
    todo: 'modprobe fuse (in a container: on the host)',
  };
};

const fuseDevice: Probe = ({ fuseDevice: { mode, isCharacterDevice, openError }, uid }) => {
  const base = { area: 'kernel', name: '/dev/fuse' } as const;
  const inContainer = 'in a container: start it with --device /dev/fuse';
  if (mode === undefined)
    return { ...base, verdict: 'fail', found: 'is not there', todo: `modprobe fuse; ${inContainer}` };
  if (!isCharacterDevice) {
    return {
      ...base,
      verdict: 'fail',
      found: 'is no device',
      todo: `remove it, then: mknod -m 0666 /dev/fuse c 10 229; ${inContainer}`,
    };
  }
  const shown = `mode 0${mode.toString(8)}`;
  if (openError !== undefined) {
    const todo =
      openError === 'EACCES'
        ? 'as root: chmod 0666 /dev/fuse (what udev does)'
        : `modprobe fuse; ${inContainer} (a device cgroup may forbid it)`;
    return { ...base, verdict: 'fail', found: `${shown}, but opening it gives ${openError}`, todo };
  }
  if (uid === 0 && (mode & 0o006) !== 0o006) {
    return { ...base, verdict: 'note', found: `${shown}: only root can open it; users need 0666 for fuse-native` };
  }
  return { ...base, verdict: 'ok', found: `${shown}, can be opened by this user` };
};

/** A running daemon looks anew for each mount. Nothing is wrong without: /dev/fuse serves, less fast. */
const rings: Probe = ({ rings: facts, serveWorkers, keepMounts }) => {
  const base = { area: 'kernel', name: 'FUSE over io_uring' } as const;
  const plan = planRings(facts, serveWorkers);
  if (!('problem' in plan)) {
    if (!keepMounts) return { ...base, verdict: 'ok', found: `on, ${plan.shares.length} processors` };
    return {
      ...base,
      verdict: 'note',
      found: 'not used: mounts outlive the daemon; with keep-mounts = false it would be',
    };
  }
  const isOff = facts.enabled !== undefined && facts.enabled.trim() !== 'Y';
  const how = `; to turn it on: echo 1 > ${RINGS_PARAMETER}, or \`options fuse enable_uring=1\` in /etc/modprobe.d`;
  return { ...base, verdict: 'note', found: `not used: ${plan.problem}${isOff ? how : ''}` };
};

const fusectl: Probe = ({ fusectlMounted }) => ({
  area: 'kernel',
  name: 'fusectl',
  ...(fusectlMounted
    ? { verdict: 'ok', found: 'mounted on /sys/fs/fuse/connections' }
    : { verdict: 'note', found: 'not mounted; the daemon mounts it when it has to abort a connection' }),
});

const overlay: Probe = ({ overlayProblem }) => {
  const base = { area: 'kernel', name: 'overlayfs' } as const;
  if (overlayProblem === undefined)
    return { ...base, verdict: 'ok', found: 'in the kernel: run and mount --rw can write' };
  return {
    ...base,
    verdict: 'warn',
    found: overlayProblem,
    todo: 'modprobe overlay; without it run and mount --rw do not work',
  };
};

const rights: Probe = ({ uid, capabilities }) => {
  const base = { area: 'rights', name: 'user' } as const;
  const hasAdmin = hasCapability(capabilities, CAP_SYS_ADMIN);
  if (uid === 0 && hasAdmin) return { ...base, verdict: 'ok', found: 'root with CAP_SYS_ADMIN' };
  if (uid === 0) {
    return {
      ...base,
      verdict: 'warn',
      found: 'root without CAP_SYS_ADMIN: may not mount',
      todo: 'in a container: --cap-add SYS_ADMIN --device /dev/fuse --security-opt apparmor=unconfined',
    };
  }
  return {
    ...base,
    verdict: 'warn',
    found: `user ${uid}: the driver fuse, run and mount --rw need root`,
    todo: 'run the daemon as root, or use --driver fuse-native',
  };
};

const userNamespaces: Probe = ({ maxUserNamespaces, namespaceSwitches }) => {
  const base = { area: 'rights', name: 'user namespaces' } as const;
  const off = Object.entries(namespaceSwitches).filter(([name, value]) =>
    name.includes('restrict') ? value !== 0 : value === 0,
  );
  if (maxUserNamespaces === 0) off.push(['user.max_user_namespaces', 0]);
  if (off.length === 0) return { ...base, verdict: 'ok', found: 'users may make them' };
  return {
    ...base,
    verdict: 'note',
    found: `users may not make them (${off.map(([name, value]) => `${name} = ${value}`).join(', ')}); nothing of Shoal needs them`,
  };
};

const fusermount: Probe = ({ fusermount: found, userAllowOther }) => {
  const base = { area: 'rights', name: 'fusermount' } as const;
  if (found === undefined) {
    return { ...base, verdict: 'note', found: 'not installed: users without root cannot mount (Debian package fuse3)' };
  }
  const others = userAllowOther
    ? 'user_allow_other is set'
    : 'without user_allow_other in /etc/fuse.conf, only who mounted sees a mount';
  if (!found.setuid)
    return { ...base, verdict: 'note', found: `${found.path} is not setuid: only root can use it; ${others}` };
  return { ...base, verdict: 'ok', found: `${found.path}; ${others}` };
};

const openFiles: Probe = ({ maxOpenFiles }) => {
  const base = { area: 'limits', name: 'open files' } as const;
  if (maxOpenFiles === undefined) return { ...base, verdict: 'note', found: 'not known' };
  if (maxOpenFiles >= COMFORTABLE_FILES) return { ...base, verdict: 'ok', found: `${maxOpenFiles}` };
  return {
    ...base,
    verdict: 'warn',
    found: `${maxOpenFiles}; each mount takes one for each of its layers and threads`,
    todo: 'ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit',
  };
};

const lockedMemory: Probe = ({ maxLockedBytes }) => ({
  area: 'limits',
  name: 'locked memory',
  verdict: 'ok',
  found: `${maxLockedBytes === undefined ? 'not limited' : bytes(maxLockedBytes)} (Shoal locks none)`,
});

const tasks: Probe = ({ maxThreads, cgroupTasks }) => {
  const base = { area: 'limits', name: 'threads' } as const;
  const most = Math.min(maxThreads ?? Number.POSITIVE_INFINITY, cgroupTasks ?? Number.POSITIVE_INFINITY);
  if (!Number.isFinite(most)) return { ...base, verdict: 'ok', found: 'not limited' };
  if (most >= COMFORTABLE_TASKS) return { ...base, verdict: 'ok', found: `${most}` };
  return {
    ...base,
    verdict: 'warn',
    found: `${most}; a daemon has about twenty, and two more for each mount`,
    todo: "raise kernel.pid_max, the cgroup's pids.max, or TasksMax= in the systemd unit",
  };
};

const memory: Probe = ({ cgroupMemoryBytes }) => {
  const base = { area: 'limits', name: 'memory' } as const;
  if (cgroupMemoryBytes === undefined) return { ...base, verdict: 'ok', found: 'not limited by a cgroup' };
  if (cgroupMemoryBytes >= LEAST_MEMORY_BYTES)
    return { ...base, verdict: 'ok', found: `${bytes(cgroupMemoryBytes)} in this cgroup` };
  return {
    ...base,
    verdict: 'warn',
    found: `${bytes(cgroupMemoryBytes)} in this cgroup; the kernel may kill the daemon`,
    todo: `give it ${bytes(LEAST_MEMORY_BYTES)} or more`,
  };
};

const clock: Probe = ({ now, releasedAt }) => {
  const base = { area: 'limits', name: 'clock' } as const;
  const shown = new Date(now).toISOString();
  if (now >= releasedAt) return { ...base, verdict: 'ok', found: shown };
  return {
    ...base,
    verdict: 'warn',
    found: `${shown}, before this release was installed; registries' certificates will seem not to be valid yet`,
    todo: 'set the clock',
  };
};

export const machineProbes: readonly Probe[] = [
  kernel,
  fuseModule,
  fuseDevice,
  rings,
  fusectl,
  overlay,
  rights,
  userNamespaces,
  fusermount,
  openFiles,
  lockedMemory,
  tasks,
  memory,
  clock,
];
