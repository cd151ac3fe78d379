// Which driver a mount gets: the one that was asked for, or the first that works. Whether erofs does is known only when the
// kernel has passed its self-test, and whether it suits a writable mount when the image has been opened; both go on while
// the image is on its way.

import {
  AUTO_DRIVERS,
  type DriverName,
  EROFS_BACKINGS,
  type ErofsBacking,
  type MountRequest,
  ShoalError,
} from '../core/index.ts';
import { BootstrapReader, FlatReader, hasOverlayXattrs } from '../image/index.ts';
import { checkDriver, type DriverCheck, isRoot, listProblems, userId } from './drivers.ts';

export interface ChosenDriver {
  readonly driver: DriverName;
  /** Of erofs. */
  readonly erofsBacking?: ErofsBacking | undefined;
  /** Why not one before it. */
  readonly reason?: string | undefined;
}

export interface DriverChoice {
  /** The first that may do. What is chosen begins in the same way: if it is `erofs`, it may be `fuse` in the end. */
  readonly first: DriverName;
  /** Rejects with `unsupported` when it was asked for by name and will not do. `bootstrap`: the image's. */
  settle(bootstrap: Uint8Array): Promise<ChosenDriver>;
}

export interface ChoicePorts {
  readonly check?: (driver: DriverName) => Promise<DriverCheck>;
  /** Why erofs must not be used over this backing. */
  readonly testErofs: (backing: ErofsBacking, options: { readonly patient: boolean }) => Promise<string | undefined>;
}

type Request = Pick<MountRequest, 'driver' | 'writable' | 'erofsBacking'>;

/**
 * The driver asked for, or for `auto` the first that works. Rejects with `system` or `unsupported` and every reason when
 * there is none, and with `unsupported` when the mount is to be writable and this process may not mount overlays.
 */
export async function chooseDriver(
  request: Request,
  { check = checkDriver, testErofs }: ChoicePorts,
): Promise<DriverChoice> {
  const { driver: wanted, writable } = request;
  if (writable && !isRoot()) {
    throw new ShoalError(
      'unsupported',
      `a writable layer (overlayfs) needs root; this daemon runs as user ${userId()}. Mount without --rw, or as root`,
    );
  }
  const failed: DriverCheck[] = [];
  for (const driver of wanted === 'auto' ? AUTO_DRIVERS : [wanted]) {
    const checked = await check(driver);
    if (checked.problem !== undefined) {
      failed.push(checked);
      continue;
    }
    if (driver === 'erofs') return erofsChoice(request, testErofs);
    const chosen = { driver, reason: failed.length > 0 ? listProblems(failed) : undefined };
    return { first: driver, settle: async () => chosen };
  }
  const code = failed.some(({ code }) => code === 'system') ? 'system' : 'unsupported';
  throw new ShoalError(code, `${wanted === 'auto' ? 'no driver works here: ' : 'driver '}${listProblems(failed)}`);
}

function erofsChoice(request: Request, test: ChoicePorts['testErofs']): DriverChoice {
  const { driver: wanted, writable } = request;
  const isAuto = wanted === 'auto';
  const testing = firstBacking(request, backing => test(backing, { patient: !isAuto }));
  return {
    first: 'erofs',
    settle: async bootstrap => {
      const { erofsBacking, problem } = await testing;
      const unfit = unfitFor(bootstrap, writable, erofsBacking);
      if (erofsBacking !== undefined && unfit === undefined) {
        return { driver: 'erofs', erofsBacking, reason: problem && `erofs ${problem}` };
      }
      const reason = `erofs: ${unfit ?? problem}`;
      // What fuse needs is a part of what has been checked.
      if (isAuto) return { driver: 'fuse', reason };
      throw new ShoalError('unsupported', `driver ${reason}`);
    },
  };
}

/** Why this image cannot be mounted so, though others can. Throws as `BootstrapReader`. */
function unfitFor(bootstrap: Uint8Array, writable: boolean, backing: ErofsBacking | undefined): string | undefined {
  if (writable && hasOverlayXattrs(bootstrap)) {
    return 'the image has extended attributes trusted.overlay.*, which a writable layer on top must not see';
  }
  const problem = backing === 'loop' ? FlatReader.problem(new BootstrapReader(bootstrap)) : undefined;
  return problem && `${BACKING_WORDS.loop}: ${problem}`;
}

const BACKING_WORDS: Readonly<Record<ErofsBacking, string>> = { file: 'from files', loop: 'by loop devices' };

/** The first backing that does, and what is wrong with those before it. */
async function firstBacking(
  { erofsBacking: wanted = 'auto' }: Request,
  test: (backing: ErofsBacking) => Promise<string | undefined>,
): Promise<{ readonly erofsBacking?: ErofsBacking; readonly problem?: string | undefined }> {
  const problems: string[] = [];
  const found = () => (problems.length > 0 ? problems.join('; ') : undefined);
  for (const backing of wanted === 'auto' ? EROFS_BACKINGS : [wanted]) {
    const problem = await test(backing);
    if (problem === undefined) return { erofsBacking: backing, problem: found() };
    problems.push(`${BACKING_WORDS[backing]}: ${problem}`);
  }
  return { problem: found() };
}
