// What doctor says about Shoal on this machine: drivers, cache, settings, daemon. Pure: facts in, findings out.

import { EROFS_BACKINGS, type ErofsBacking } from '../../core/index.ts';
import { DRIVER_LIMITS, SELF_TEST_FAILED } from '../../daemon/index.ts';
import { bytes, driverWords } from '../output.ts';
import { CAP_SYS_ADMIN, hasCapability } from './capabilities.ts';
import type { Facts } from './facts.ts';
import type { Probe } from './finding.ts';
import { atLeast, RESEND_KERNEL } from './kernels.ts';

/** Images are gigabytes; what is read of them has to fit. */
const COMFORTABLE_FREE_BYTES = 2 * 2 ** 30;
const COMFORTABLE_FREE_INODES = 1_000;

/** File systems on which holes or locks are known not to do, or whose files are memory. */
const MEMORY_FILE_SYSTEMS = ['tmpfs', 'ramfs'];
const NETWORK_FILE_SYSTEMS = ['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'fuse.sshfs'];

const fuseDriver: Probe = ({ tried }) => {
  const base = { area: 'drivers', name: 'fuse' } as const;
  if (tried.fuse === undefined) return { ...base, verdict: 'ok', found: 'works: a connection was mounted and removed' };
  return { ...base, verdict: 'fail', found: tried.fuse, todo: 'see what is said about rights and /dev/fuse above' };
};

const fuseNativeDriver: Probe = facts => {
  const base = { area: 'drivers', name: 'fuse-native', limits: DRIVER_LIMITS['fuse-native'] } as const;
  if (facts.tried.fuseNative !== undefined) return { ...base, verdict: 'note', found: facts.tried.fuseNative };
  if (canMountByFusermount(facts)) return { ...base, verdict: 'ok', found: 'works: all that it needs is there' };
  return {
    ...base,
    verdict: 'fail',
    found: 'its package loads, but neither this process nor a setuid program that it starts gets CAP_SYS_ADMIN',
    todo: 'see the user above; a service or container with no-new-privileges must do without',
  };
};

/** Root mounts by itself; for a user the setuid fusermount does, which gets what the bounding set leaves it. */
function canMountByFusermount({ uid, capabilities, boundingCapabilities, noNewPrivileges }: Facts): boolean {
  if (uid === 0) return hasCapability(capabilities, CAP_SYS_ADMIN);
  return hasCapability(boundingCapabilities, CAP_SYS_ADMIN) && !noNewPrivileges;
}

const BACKING_WORDS: Readonly<Record<ErofsBacking, string>> = { file: 'from files', loop: 'by loop devices' };

const erofsDriver: Probe = ({ tried: { erofs } }) => {
  const base = { area: 'drivers', name: 'erofs', limits: DRIVER_LIMITS.erofs } as const;
  if (typeof erofs === 'string') return { ...base, verdict: 'note', found: erofs };
  const works = EROFS_BACKINGS.filter(backing => erofs[backing] === undefined).map(backing => BACKING_WORDS[backing]);
  const problems = EROFS_BACKINGS.flatMap(backing =>
    erofs[backing] === undefined ? [] : [`${BACKING_WORDS[backing]}: ${erofs[backing]}`],
  );
  const failed = problems.join('; ');
  if (works.length === 0 && failed.includes(SELF_TEST_FAILED)) {
    const todo = 'use a newer kernel; until then auto takes the driver fuse';
    return { ...base, verdict: 'warn', found: failed, todo };
  }
  if (works.length === 0) return { ...base, verdict: 'note', found: failed };
  const found = `works ${works.join(' and ')}: the kernel passes the self-test`;
  return { ...base, verdict: 'ok', found: failed === '' ? found : `${found}; ${failed}` };
};

const takeover: Probe = ({ kernel: release, platform, uid, keepMounts }) => {
  const base = { area: 'daemon', name: 'takeover' } as const;
  if (platform !== 'linux' || uid !== 0)
    return { ...base, verdict: 'note', found: "only root's mounts outlive a daemon" };
  if (!atLeast(release, RESEND_KERNEL)) {
    return {
      ...base,
      verdict: 'note',
      found: `Linux ${release} has no FUSE_NOTIFY_RESEND: mounts end with their daemon`,
      todo: `use Linux ${RESEND_KERNEL.join('.')} or newer`,
    };
  }
  if (!keepMounts) return { ...base, verdict: 'note', found: 'keep-mounts is off: mounts end with their daemon' };
  return { ...base, verdict: 'ok', found: 'mounts outlive a daemon that is killed or replaced (daemon --takeover)' };
};

const cacheFileSystem: Probe = ({ cache, cacheProblem }) => {
  const base = { area: 'cache', name: 'file system' } as const;
  if (cache === undefined) {
    return {
      ...base,
      verdict: 'fail',
      found: cacheProblem ?? 'not known',
      todo: 'choose another directory with --root',
    };
  }
  const { fsType, directory, holesProblem } = cache;
  if (holesProblem !== undefined) {
    return {
      ...base,
      verdict: 'fail',
      found: `${fsType} at ${directory}: ${holesProblem}`,
      todo: 'put --root on ext4, xfs or btrfs',
    };
  }
  if (MEMORY_FILE_SYSTEMS.includes(fsType)) {
    return {
      ...base,
      verdict: 'warn',
      found: `${fsType} at ${directory}: what is cached takes memory and is gone after a reboot`,
      todo: 'put --root on a disk',
    };
  }
  if (NETWORK_FILE_SYSTEMS.includes(fsType)) {
    return {
      ...base,
      verdict: 'warn',
      found: `${fsType} at ${directory}: every read of a mounted image waits for the network`,
      todo: 'put --root on a disk of this machine',
    };
  }
  return { ...base, verdict: 'ok', found: `${fsType} at ${directory}: holes can be made and space be given back` };
};

const cacheSpace: Probe = ({ cache }) => {
  const base = { area: 'cache', name: 'space' } as const;
  if (cache === undefined) return { ...base, verdict: 'note', found: 'not known' };
  const { freeBytes, totalBytes, freeInodes } = cache;
  const found = `${bytes(freeBytes)} free of ${bytes(totalBytes)}`;
  if (freeBytes < COMFORTABLE_FREE_BYTES || freeInodes < COMFORTABLE_FREE_INODES) {
    return {
      ...base,
      verdict: 'warn',
      found: `${found}, ${freeInodes} files more; reads of missing chunks wait when the disk is full`,
      todo: 'make room, or choose another disk with --root',
    };
  }
  return { ...base, verdict: 'ok', found };
};

const config: Probe = ({ configFile, configProblem }) => {
  const base = { area: 'settings', name: 'configuration' } as const;
  if (configProblem !== undefined) {
    return {
      ...base,
      verdict: 'fail',
      found: configProblem,
      todo: 'correct it (docs/configuration.md); everything else here was looked at with defaults',
    };
  }
  return { ...base, verdict: 'ok', found: configFile ?? 'no file; flags, environment and defaults' };
};

const credentials: Probe = ({ dockerConfig: { path, mode, problem } }) => {
  const base = { area: 'settings', name: 'credentials' } as const;
  if (problem !== undefined)
    return { ...base, verdict: 'fail', found: problem, todo: 'correct the file, or: docker login' };
  if (mode === undefined)
    return { ...base, verdict: 'note', found: `no ${path}: registries are asked without credentials` };
  if ((mode & 0o077) !== 0) {
    return {
      ...base,
      verdict: 'warn',
      found: `${path} has mode 0${mode.toString(8)}: other users can read passwords`,
      todo: `chmod 600 ${path}`,
    };
  }
  return { ...base, verdict: 'ok', found: path };
};

const daemon: Probe = ({ daemon: { running, problem, socket, socketExists }, shoalVersion }) => {
  const base = { area: 'daemon', name: 'daemon' } as const;
  if (problem !== undefined)
    return {
      ...base,
      verdict: 'fail',
      found: problem,
      todo: 'look at daemon.log below the root; shoal daemon stop, or kill it: the next one cleans up',
    };
  if (running === undefined) {
    const found = socketExists
      ? `none runs; ${socket} is left of one that died, the next one replaces it`
      : 'none runs; mount and run start one';
    return { ...base, verdict: 'note', found };
  }
  const { pid, version, mounts } = running;
  const found = `pid ${pid}, version ${version}, ${mounts.length} ${mounts.length === 1 ? 'mount' : 'mounts'}`;
  const limits = mounts.map(mount => {
    const why = mount.driverReason === undefined ? '' : `, because ${mount.driverReason}`;
    return `${mount.mountpoint}: driver ${driverWords(mount)}${why}`;
  });
  if (version === shoalVersion) return { ...base, verdict: 'ok', found, limits };
  return {
    ...base,
    limits,
    verdict: 'warn',
    found: `${found}; this command is ${shoalVersion}`,
    todo: 'restart the daemon when its mounts can go',
  };
};

export const shoalProbes: readonly Probe[] = [
  fuseDriver,
  fuseNativeDriver,
  erofsDriver,
  cacheFileSystem,
  cacheSpace,
  config,
  credentials,
  daemon,
  takeover,
];
