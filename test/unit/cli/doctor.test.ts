// What doctor makes of machines that we don't have: facts in, findings out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '../../../cli/doctor/facts.ts';
import type { Finding, Verdict } from '../../../cli/doctor/finding.ts';
import { judge } from '../../../cli/doctor/judge.ts';

/** A machine on which everything is as it should be. */
const GOOD: Facts = {
  platform: 'linux',
  kernel: '6.12.1-amd64',
  nodeVersion: '24.0.0',
  shoalVersion: '1.2.3',
  uid: 0,
  capabilities: (1n << 41n) - 1n,
  boundingCapabilities: (1n << 41n) - 1n,
  noNewPrivileges: false,
  maxUserNamespaces: 10_000,
  namespaceSwitches: { 'kernel.unprivileged_userns_clone': 1 },
  fileSystems: ['ext4', 'fuse', 'overlay', 'erofs'],
  fusectlMounted: true,
  fuseDevice: { mode: 0o666, isCharacterDevice: true, openError: undefined },
  rings: { enabled: 'Y', possible: '0-1', online: '0-1' },
  serveWorkers: 3,
  keepMounts: true,
  fusermount: { path: '/usr/bin/fusermount', setuid: true },
  userAllowOther: true,
  tried: { fuse: undefined, fuseNative: undefined, erofs: {} },
  overlayProblem: undefined,
  cache: {
    directory: '/var/lib/shoal/cache',
    fsType: 'ext4',
    freeBytes: 50e9,
    totalBytes: 100e9,
    freeInodes: 1e6,
    holesProblem: undefined,
  },
  cacheProblem: undefined,
  maxOpenFiles: 1 << 20,
  maxLockedBytes: undefined,
  maxThreads: 4_194_304,
  cgroupMemoryBytes: undefined,
  cgroupTasks: undefined,
  now: Date.UTC(2030, 0),
  releasedAt: Date.UTC(2026, 0),
  dockerConfig: { path: '/root/.docker/config.json', mode: 0o600, problem: undefined },
  configFile: '/etc/shoal/config.toml',
  configProblem: undefined,
  daemon: { socket: '/s', socketExists: true, running: { pid: 7, version: '1.2.3', mounts: [] }, problem: undefined },
};

test('a machine on which all is well gets no warning, and all drivers', () => {
  const { findings, workingDrivers } = judge(GOOD);
  assert.deepEqual(
    findings.filter(({ verdict }) => verdict === 'warn' || verdict === 'fail'),
    [],
  );
  assert.deepEqual(workingDrivers, ['fuse', 'fuse-native', 'erofs']);
});

const noDevice = { mode: undefined, isCharacterDevice: false, openError: 'ENOENT' };
const closedDevice = { mode: 0o600, isCharacterDevice: true, openError: 'EACCES' };
const NOTHING_WORKS = { fuse: 'needs root', fuseNative: 'missing', erofs: 'needs root' };
const ZEROS = 'the kernel fails the self-test: zeros';
const CASES: readonly (readonly [string, Partial<Facts>, string, Verdict, RegExp, RegExp])[] = [
  ['an old kernel', { kernel: '4.19.0' }, 'version', 'fail', /older than 7\.31/, /5\.4 or newer/],
  ['another system', { platform: 'darwin' }, 'version', 'warn', /only fuse-native/, /Linux/],
  ['a kernel without FUSE', { fileSystems: ['ext4'] }, 'FUSE', 'fail', /not loaded/, /modprobe fuse/],
  ['no /dev/fuse', { fuseDevice: noDevice }, '/dev/fuse', 'fail', /not there/, /--device \/dev\/fuse/],
  [
    'a file instead of /dev/fuse',
    { fuseDevice: { ...noDevice, mode: 0o644 } },
    '/dev/fuse',
    'fail',
    /no device/,
    /mknod/,
  ],
  ['a /dev/fuse for root alone', { uid: 1000, fuseDevice: closedDevice }, '/dev/fuse', 'fail', /EACCES/, /0666/],
  ['a device cgroup', { fuseDevice: { ...closedDevice, openError: 'EPERM' } }, '/dev/fuse', 'fail', /EPERM/, /cgroup/],
  ['no overlayfs', { overlayProblem: 'not loaded' }, 'overlayfs', 'warn', /not loaded/, /mount --rw do not work/],
  ['a container without rights', { capabilities: 0n }, 'user', 'warn', /CAP_SYS_ADMIN/, /--cap-add SYS_ADMIN/],
  ['a user', { uid: 1000 }, 'user', 'warn', /user 1000/, /fuse-native/],
  ['a driver that cannot mount', { tried: { ...GOOD.tried, fuse: 'mount: EPERM' } }, 'fuse', 'fail', /EPERM/, /rights/],
  [
    'a user who gets no privileges',
    { uid: 1, capabilities: 0n, noNewPrivileges: true },
    'fuse-native',
    'fail',
    /CAP_SYS_ADMIN/,
    /no-new-privileges/,
  ],
  [
    'a container for users',
    { uid: 1, capabilities: 0n, boundingCapabilities: 0n },
    'fuse-native',
    'fail',
    /CAP_SYS_ADMIN/,
    /user above/,
  ],
  ['a user with fusermount', { uid: 1, capabilities: 0n }, 'fuse-native', 'ok', /works/, /^$/],
  [
    'a platform without fuse-native',
    { tried: { ...GOOD.tried, fuseNative: 'no binary' } },
    'fuse-native',
    'note',
    /no binary/,
    /^$/,
  ],
  [
    'a kernel that makes zeros of what it cannot read from files',
    { tried: { ...GOOD.tried, erofs: { file: ZEROS } } },
    'erofs',
    'ok',
    /^works by loop devices: .*; from files: the kernel fails the self-test: zeros$/,
    /^$/,
  ],
  [
    'the same without loop devices',
    { tried: { ...GOOD.tried, erofs: { file: ZEROS, loop: 'there are none' } } },
    'erofs',
    'warn',
    /zeros; by loop devices: there are none$/,
    /newer kernel.*fuse/,
  ],
  [
    'a kernel without EROFS',
    { tried: { ...GOOD.tried, erofs: { file: 'ENODEV', loop: 'ENODEV' } } },
    'erofs',
    'note',
    /ENODEV/,
    /^$/,
  ],
  ['a user and erofs', { tried: { ...GOOD.tried, erofs: 'needs root' } }, 'erofs', 'note', /^needs root$/, /^$/],
  [
    'a cache on tmpfs',
    { cache: { ...GOOD.cache, fsType: 'tmpfs' } as Facts['cache'] },
    'file system',
    'warn',
    /memory/,
    /disk/,
  ],
  [
    'a cache on NFS',
    { cache: { ...GOOD.cache, fsType: 'nfs4' } as Facts['cache'] },
    'file system',
    'warn',
    /network/,
    /disk/,
  ],
  [
    'a disk without holes',
    { cache: { ...GOOD.cache, holesProblem: 'no holes' } as Facts['cache'] },
    'file system',
    'fail',
    /no holes/,
    /ext4/,
  ],
  ['no place for a cache', { cache: undefined, cacheProblem: 'EROFS' }, 'file system', 'fail', /EROFS/, /--root/],
  [
    'a full disk',
    { cache: { ...GOOD.cache, freeBytes: 1e6 } as Facts['cache'] },
    'space',
    'warn',
    /1 MB free/,
    /make room/,
  ],
  ['few descriptors', { maxOpenFiles: 1024 }, 'open files', 'warn', /1024/, /ulimit -n/],
  ['few threads', { cgroupTasks: 100 }, 'threads', 'warn', /100/, /pids\.max/],
  ['a small cgroup', { cgroupMemoryBytes: 64 << 20 }, 'memory', 'warn', /67\.1 MB/, /268\.4 MB/],
  ['a clock in the past', { now: 0 }, 'clock', 'warn', /1970-01-01/, /set the clock/],
  [
    'a wrong configuration',
    { configProblem: 'unknown key rot' },
    'configuration',
    'fail',
    /unknown key rot/,
    /correct/,
  ],
  [
    'readable passwords',
    { dockerConfig: { path: '/c', mode: 0o644, problem: undefined } },
    'credentials',
    'warn',
    /other users/,
    /chmod 600 \/c/,
  ],
  [
    'a broken credential file',
    { dockerConfig: { path: '/c', mode: undefined, problem: '/c is no valid JSON' } },
    'credentials',
    'fail',
    /no valid JSON/,
    /docker login/,
  ],
  [
    'a daemon that hangs',
    { daemon: { socket: '/s', socketExists: true, running: undefined, problem: 'does not answer' } },
    'daemon',
    'fail',
    /does not answer/,
    /daemon stop/,
  ],
  [
    'a daemon of another release',
    { daemon: { ...GOOD.daemon, running: { pid: 7, version: '1.0.0', mounts: [] } } },
    'daemon',
    'warn',
    /1\.0\.0.*1\.2\.3/,
    /restart/,
  ],
];
for (const [what, change, name, verdict, found, todo] of CASES) {
  test(`${what}: ${verdict}, with the reason and what to do`, () => {
    const finding = find({ ...GOOD, ...change }, name);
    assert.equal(finding.verdict, verdict);
    assert.match(finding.found, found);
    assert.match(finding.todo ?? '', todo);
  });
}

test('whatever fails or warns comes with something to do', () => {
  for (const [, change] of CASES) {
    for (const { name, verdict, todo } of judge({ ...GOOD, ...change }).findings) {
      if (verdict === 'warn' || verdict === 'fail') assert.ok(todo, name);
    }
  }
});

test('fuse-native comes with what does not work even so', () => {
  assert.ok((find(GOOD, 'fuse-native').limits ?? []).length >= 4);
});

test('a machine where nothing works has no working driver', () => {
  const facts = { ...GOOD, uid: 1000, fuseDevice: closedDevice, tried: NOTHING_WORKS };
  assert.deepEqual(judge(facts).workingDrivers, []);
});

function find(facts: Facts, name: string): Finding {
  const finding = judge(facts).findings.find(candidate => candidate.name === name);
  assert.ok(finding, name);
  return finding;
}

test('whether mounts outlive their daemon depends on the kernel, the user and the configuration', () => {
  const found = (changes: Partial<Facts>) => {
    const finding = judge({ ...GOOD, ...changes }).findings.find(({ name }) => name === 'takeover');
    return `${finding?.verdict}: ${finding?.found}`;
  };
  assert.match(found({}), /^ok: mounts outlive a daemon/);
  assert.match(found({ kernel: '6.8.0' }), /^note: Linux 6\.8\.0 has no FUSE_NOTIFY_RESEND/);
  assert.match(found({ keepMounts: false }), /^note: keep-mounts is off/);
  assert.match(found({ uid: 1000 }), /^note: only root/);
});

test('FUSE over io_uring is never a problem, but the report says how to have it', () => {
  const found = (changes: Partial<Facts>) => {
    const finding = judge({ ...GOOD, ...changes }).findings.find(({ name }) => name === 'FUSE over io_uring');
    return `${finding?.verdict}: ${finding?.found}`;
  };
  assert.equal(found({ keepMounts: false }), 'ok: on, 2 processors');
  assert.match(found({}), /^note: not used: mounts outlive the daemon/);
  assert.match(found({ rings: { ...GOOD.rings, enabled: 'N\n' } }), /^note: .*enable_uring is off; .*echo 1 > \/sys/);
  assert.match(found({ rings: { ...GOOD.rings, enabled: undefined } }), /^note: .*Linux 6\.14/);
  assert.match(found({ serveWorkers: 2 }), /^note: .*2 processors need serve-workers 3/);
});

test('each mount of the daemon is named with its driver, its backing, and why', () => {
  const mounts = [
    { mountpoint: '/a', driver: 'erofs', erofsBacking: 'loop', driverReason: 'erofs from files: bad' },
    { mountpoint: '/b', driver: 'fuse' },
  ] as const;
  const daemon = { ...GOOD.daemon, running: { pid: 7, version: '1.2.3', mounts } };
  const found = judge({ ...GOOD, daemon }).findings.find(({ name }) => name === 'daemon');
  assert.match(found?.found ?? '', /2 mounts/);
  assert.deepEqual(found?.limits, ['/a: driver erofs,loop, because erofs from files: bad', '/b: driver fuse']);
});
