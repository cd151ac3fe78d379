// Debian's own torturers of file systems, pointed at a mount: fio, which verifies what it reads against what it once
// wrote, and stress-ng, which does everything that system calls allow. Both must end with exit code 0.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TarItem } from './tar-bytes.ts';

const FIO = '/usr/bin/fio';
const STRESS_NG = '/usr/bin/stress-ng';

export const noFio: string | false = existsSync(FIO) ? false : `${FIO} is not installed`;
export const noStressNg: string | false = existsSync(STRESS_NG) ? false : `${STRESS_NG} is not installed`;
export const stressNgProgram = STRESS_NG;

/** Beyond the time they were given, for their own preparation and cleaning up. */
const GRACE_MS = 60_000;
const FIO_BYTES = 16 << 20;
/** Every so many bytes fio writes a header with the checksum of what follows. */
const FIO_INTERVAL = 4096;

export interface FioJob {
  readonly jobname: string;
  readonly error: number;
  readonly read: { readonly io_bytes: number };
  readonly write: { readonly io_bytes: number };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runTool(program: string, args: readonly string[], seconds: number): Promise<Ended> {
  return new Promise(done => {
    const options = { maxBuffer: 16 << 20, timeout: seconds * 1000 + GRACE_MS, killSignal: 'SIGKILL' as const };
    const child = execFile(program, args, options, (_error, stdout, stderr) =>
      done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Threads, so that the end of one process ends them all. */
const FIO_COMMON = [
  '--verify=crc32c',
  `--verify_interval=${FIO_INTERVAL}`,
  '--verify_fatal=1',
  '--verify_state_save=0',
  '--thread',
];

async function fio(args: readonly string[], seconds: number): Promise<FioJob[]> {
  const common = [...FIO_COMMON, `--size=${FIO_BYTES}`, '--output-format=json'];
  const { code, stdout, stderr } = await runTool(FIO, [...common, ...args], seconds);
  if (code !== 0) throw new Error(`fio ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { jobs: FioJob[] }).jobs;
}

/** Makes a file that `fioReads` can verify wherever its bytes come to lie. */
export async function fioLaysOut(path: string): Promise<void> {
  await fio(['--name=lay-out', `--filename=${path}`, '--rw=write', '--bs=64k', '--do_verify=0', '--randseed=7'], 0);
}

/**
 * Reads a file that `fioLaysOut` made, in six ways at once, or in four without O_DIRECT. Throws when any byte is not what was
 * written.
 */
export function fioReads(path: string, seconds: number, { direct }: { readonly direct: boolean }): Promise<FioJob[]> {
  const timed = ['--bsrange=4k-256k', '--time_based', `--runtime=${seconds}`];
  const jobs = [
    ['--name=pread', '--rw=randread', '--ioengine=psync'],
    ['--name=libaio', '--rw=randread', '--ioengine=libaio', '--iodepth=16', '--direct=1'],
    ['--name=mmap', '--rw=randread', '--ioengine=mmap'],
    ['--name=splice', '--rw=read', '--ioengine=splice'],
    ['--name=direct', '--rw=read', '--direct=1'],
    ['--name=readv', '--rw=read', '--ioengine=vsync', '--iodepth=8'],
  ];
  const chosen = jobs.filter(job => direct || !job.includes('--direct=1'));
  return fio(['--readonly', `--filename=${path}`, ...timed, ...chosen.flat()], seconds);
}

/** Writes new files in a directory, and `existing` in place, and reads back what it wrote; again while time is left. */
export async function fioWrites(directory: string, existing: string, seconds: number): Promise<FioJob[]> {
  const jobs = [
    ['--name=existing', `--filename=${existing}`, '--rw=randwrite', '--ioengine=psync'],
    ['--name=mmap', `--filename=${join(directory, 'fio-mmap')}`, '--rw=randwrite', '--ioengine=mmap'],
    ['--name=libaio', `--filename=${join(directory, 'fio-libaio')}`, '--rw=write', '--ioengine=libaio'],
    ['--name=mixed', `--filename=${join(directory, 'fio-mixed')}`, '--rw=randrw', '--ioengine=psync'],
  ];
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const done = await fio(['--do_verify=1', '--bs=16k', ...jobs.flat()], seconds);
    if (performance.now() > deadline) return done;
  }
}

/** Directories that `stressNg` wants in the image, beside its own program and libraries (programTree). */
export const STRESS_NG_PLACES: readonly TarItem[] = ['tmp/', 'proc/', 'dev/', 'scratch/'].map(path => ({
  path,
  type: 'directory',
  mode: path === 'tmp/' ? 0o1777 : 0o755,
}));

/**
 * Runs the image's own stress-ng with the mount as its root: its program, its libraries and what it walks through are
 * the image's files. In mount and pid namespaces of its own, so nothing of it stays.
 */
export async function stressNg(mountpoint: string, seconds: number, args: readonly string[]): Promise<void> {
  const script =
    'set -e; m=$0; mount -t tmpfs tmpfs "$m/tmp"; mount -t proc proc "$m/proc"; mount --rbind /dev "$m/dev"; ' +
    `exec chroot "$m" ${STRESS_NG} --verify "$@"`;
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
  const all = [...namespaces, 'sh', '-c', script, mountpoint, '--timeout', `${seconds}`, ...args];
  const { code, stdout, stderr } = await runTool('unshare', all, seconds);
  if (code !== 0) throw new Error(`stress-ng: exit code ${code}\n${stdout}${stderr}`);
}

/** What only reads; the threads of `exec` are left out because stress-ng 0.15 miscounts them on any file system. */
export const READING_STRESSORS: readonly string[] = [
  ...['--temp-path', '/tmp', '--getdent', '2', '--fstat', '2', '--fstat-dir', '/many', '--dynlib', '2', '--chdir', '1'],
];

const TOUCHING_STRESSORS = [
  ...['access', 'chdir', 'chmod', 'chown', 'dentry', 'dir', 'dirdeep', 'dup', 'fallocate', 'fcntl', 'fiemap'],
  ...['file-ioctl', 'filename', 'flock', 'fpunch', 'fstat', 'getdent', 'handle', 'hdd', 'inotify', 'iomix', 'link'],
  ...['locka', 'lockf', 'lockofd', 'mknod', 'mmap', 'msync', 'open', 'readahead', 'rename', 'seek', 'sendfile'],
  ...['splice', 'stackmmap', 'symlink', 'touch', 'utime', 'xattr'],
];
const SIZED_STRESSORS = ['hdd', 'iomix', 'readahead', 'fallocate', 'fiemap', 'mmap', 'msync'];

/** What programs do to files they own. Left out: what calls sync(2), which waits for every mount of the machine. */
export const WRITING_STRESSORS: readonly string[] = [
  ...['--temp-path', '/scratch', '--mmap-file', '--dentries', '1024', '--dir-dirs', '512', '--chdir-dirs', '512'],
  ...SIZED_STRESSORS.flatMap(name => [`--${name}-bytes`, '16m']),
  ...TOUCHING_STRESSORS.flatMap(name => [`--${name}`, '1']),
];
