// What doctor knows before it judges: plain data, so that the judging is a pure function of it and every machine that
// we don't have can be a test.

import type { MountInfo } from '../../core/index.ts';
import type { BackingProblems, RingFacts } from '../../daemon/index.ts';

export interface DeviceFact {
  /** Permission bits, or undefined when there is no such file. */
  readonly mode: number | undefined;
  readonly isCharacterDevice: boolean;
  /** errno name of opening it for reading and writing, as this user. */
  readonly openError: string | undefined;
}

export interface CacheFact {
  /** Where the cache is, or will be: the nearest directory that exists. */
  readonly directory: string;
  readonly fsType: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** What came of storing with holes and giving space back: an error's text, or undefined when both work. */
  readonly holesProblem: string | undefined;
}

export interface DockerConfigFact {
  readonly path: string;
  readonly mode: number | undefined;
  /** Why credentials can't be read from it; undefined also when it is not there. */
  readonly problem: string | undefined;
}

export type MountFact = Pick<MountInfo, 'mountpoint' | 'driver' | 'erofsBacking' | 'driverReason'>;

export interface DaemonFact {
  readonly socket: string;
  readonly socketExists: boolean;
  readonly running:
    | { readonly pid: number; readonly version: string; readonly mounts: readonly MountFact[] }
    | undefined;
  /** Why it does not answer, when the reason is not simply that none runs. */
  readonly problem: string | undefined;
}

/** Undefined for a number or text that this machine does not tell. */
export interface Facts {
  readonly platform: string;
  readonly kernel: string;
  readonly nodeVersion: string;
  readonly shoalVersion: string;
  readonly uid: number;
  /** Effective capabilities, as a mask. */
  readonly capabilities: bigint | undefined;
  /** Those that a setuid program could get at most, and whether it gets none at all. */
  readonly boundingCapabilities: bigint | undefined;
  readonly noNewPrivileges: boolean;
  readonly maxUserNamespaces: number | undefined;
  /** Distributions' switches that keep users from making user namespaces: name and value. */
  readonly namespaceSwitches: Readonly<Record<string, number>>;
  /** File systems that the kernel has loaded. */
  readonly fileSystems: readonly string[];
  readonly fusectlMounted: boolean;
  readonly fuseDevice: DeviceFact;
  /** About FUSE over io_uring, and the threads that a mount may have. */
  readonly rings: RingFacts;
  readonly serveWorkers: number;
  readonly keepMounts: boolean;
  readonly fusermount: { readonly path: string; readonly setuid: boolean } | undefined;
  readonly userAllowOther: boolean;
  /** What came of trying: the reason why it does not work, or undefined when it does. */
  readonly tried: {
    readonly fuse: string | undefined;
    readonly fuseNative: string | undefined;
    /** Why erofs is out of the question, or what is wrong with which backing. */
    readonly erofs: string | BackingProblems;
  };
  readonly overlayProblem: string | undefined;
  readonly cache: CacheFact | undefined;
  readonly cacheProblem: string | undefined;
  readonly maxOpenFiles: number | undefined;
  readonly maxLockedBytes: number | undefined;
  readonly maxThreads: number | undefined;
  readonly cgroupMemoryBytes: number | undefined;
  readonly cgroupTasks: number | undefined;
  /** Milliseconds since 1970: now, and when the files of this release were written. */
  readonly now: number;
  readonly releasedAt: number;
  readonly dockerConfig: DockerConfigFact;
  readonly configFile: string | undefined;
  readonly configProblem: string | undefined;
  readonly daemon: DaemonFact;
}
