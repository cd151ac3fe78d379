// A container as `shoal run` means it, and the two ways to start one: runc where it is installed, otherwise our own
// init in fresh namespaces. Both get the same description. Where they differ: our init sets up no device cgroup, so its
// programs can make no device nodes, and its read-only volumes leave out what is mounted below them.

import type { Process, User } from './image-config.ts';

export interface BindMount {
  /** Absolute host path. */
  readonly source: string;
  /** Absolute path inside the container. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Container {
  readonly id: string;
  /** Host path of the writable root file system. */
  readonly rootfs: string;
  readonly hostname: string;
  readonly process: Process;
  readonly user: User;
  readonly binds: readonly BindMount[];
  readonly terminal: boolean;
}

/** Kernel file systems every container gets, in order. The network is the host's, so /sys is only looked at. */
export interface SystemMount {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export const SYSTEM_MOUNTS: readonly SystemMount[] = [
  { target: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { target: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  {
    target: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
  {
    target: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { target: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
];

/**
 * Capabilities of a container's processes: what docker and containerd grant by default (containerd's default spec), so
 * that setuid programs and file capabilities work as they do there.
 */
const CAPABILITY_NUMBERS: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_RAW: 13,
  CAP_SYS_CHROOT: 18,
  CAP_MKNOD: 27,
  CAP_AUDIT_WRITE: 29,
  CAP_SETFCAP: 31,
};
export const DEFAULT_CAPABILITIES: readonly string[] = Object.keys(CAPABILITY_NUMBERS);
/** The same by number (linux/capability.h). */
const DEFAULT_CAPABILITY_NUMBERS: readonly number[] = Object.values(CAPABILITY_NUMBERS);
/** Our own init has no device cgroup to stop a device node from being opened, so none may be made. */
export const INIT_CAPABILITY_NUMBERS = DEFAULT_CAPABILITY_NUMBERS.filter(
  number => number !== CAPABILITY_NUMBERS['CAP_MKNOD'],
);

/** Paths of /proc that containers must not see or write; the runtime specification's usual list. */
export const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/scsi',
];
export const READ_ONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
