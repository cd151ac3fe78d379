// INIT: what the kernel offers and what we take. Pure.

import { PAGE_BYTES } from '../system-calls.ts';
import { MAX_READ_BYTES, MAX_WRITE_BYTES } from './device.ts';
import {
  InHeader,
  InitFlag,
  InitFlag2,
  InitIn,
  InitOut,
  KERNEL_MAJOR,
  KERNEL_MINOR,
  OLDEST_KERNEL_MINOR,
  OutHeader,
} from './protocol.ts';

export interface OfferedTerms {
  /** The image has extended attributes, so access control lists are possible and the kernel must ask for them. */
  readonly hasXattrs: boolean;
  /** Only the kernel itself reads: without it each direct read of a loop device would wait for the one before. */
  readonly asyncDirect: boolean;
  /** Background requests the kernel may have open, misses that wait for a source among them. */
  readonly maxBackground: number;
  /** The kernel takes it unless the mount's own is lower. */
  readonly readaheadBytes: number;
  /** Every processor has a thread and a ring for it: requests may come through io_uring. */
  readonly ring: boolean;
}

/** What was agreed on, as far as it binds who serves the connection from then on. Sizes in bytes but `maxPages`. */
export interface SessionTerms {
  readonly minor: number;
  readonly flags: number;
  readonly flags2: number;
  readonly maxReadahead: number;
  readonly maxBackground: number;
  readonly maxWrite: number;
  readonly maxPages: number;
}

/** `ring`: accepted, and the kernel waits for rings before it sends the next request. */
export type InitOutcome = 'accepted' | 'ring' | 'again' | 'refused';

/**
 * Taken when offered. Not taken on purpose: ASYNC_DIO (a killed reader of O_DIRECT data could then not be freed) of a tree,
 * AUTO_INVAL_DATA (nothing ever changes), WRITEBACK_CACHE and all locking (the kernel does it locally).
 */
const WANTED_FLAGS =
  InitFlag.ASYNC_READ |
  InitFlag.DO_READDIRPLUS |
  InitFlag.READDIRPLUS_AUTO |
  InitFlag.NO_OPEN_SUPPORT |
  InitFlag.NO_OPENDIR_SUPPORT |
  InitFlag.PARALLEL_DIROPS |
  InitFlag.MAX_PAGES |
  InitFlag.CACHE_SYMLINKS;

/**
 * Builds the body of INIT's reply. `accepted` and `ring`: serve; `again`: the kernel speaks a newer major version and will ask
 * again with ours; `refused`: it is too old.
 */
export function negotiate(request: Uint32Array, reply: Uint32Array, terms: OfferedTerms): InitOutcome {
  const offer = request.subarray(InHeader.WORDS);
  const body = reply.subarray(OutHeader.WORDS, OutHeader.WORDS + InitOut.BYTES / 4);
  const [major, minor] = [offer[InitIn.MAJOR] ?? 0, offer[InitIn.MINOR] ?? 0];
  if (major < KERNEL_MAJOR || (major === KERNEL_MAJOR && minor < OLDEST_KERNEL_MINOR)) return 'refused';
  body.fill(0);
  body[InitOut.MAJOR] = KERNEL_MAJOR;
  body[InitOut.MINOR] = KERNEL_MINOR;
  if (major > KERNEL_MAJOR) return 'again';
  const { hasXattrs, asyncDirect } = terms;
  const wanted = WANTED_FLAGS | (hasXattrs ? InitFlag.POSIX_ACL : 0) | (asyncDirect ? InitFlag.ASYNC_DIO : 0);
  body[InitOut.MAX_READAHEAD] = terms.readaheadBytes;
  body[InitOut.FLAGS] = (offer[InitIn.FLAGS] ?? 0) & wanted;
  body[InitOut.BACKGROUND] = terms.maxBackground | (terms.maxBackground << 16);
  body[InitOut.MAX_WRITE] = MAX_WRITE_BYTES;
  body[InitOut.TIME_GRANULARITY] = 1;
  body[InitOut.MAX_PAGES] = MAX_READ_BYTES / PAGE_BYTES;
  if (!terms.ring || ((offer[InitIn.FLAGS_2] ?? 0) & InitFlag2.OVER_IO_URING) === 0) return 'accepted';
  body[InitOut.FLAGS] = (body[InitOut.FLAGS] ?? 0) | InitFlag.INIT_EXT;
  body[InitOut.FLAGS_2] = InitFlag2.OVER_IO_URING;
  return 'ring';
}

/** What the reply to INIT, which `negotiate` has built, says. */
export function termsOf(reply: Uint32Array): SessionTerms {
  const word = (at: number) => reply[OutHeader.WORDS + at] ?? 0;
  return {
    minor: word(InitOut.MINOR),
    flags: word(InitOut.FLAGS),
    flags2: word(InitOut.FLAGS_2),
    maxReadahead: word(InitOut.MAX_READAHEAD),
    maxBackground: word(InitOut.BACKGROUND) & 0xffff,
    maxWrite: word(InitOut.MAX_WRITE),
    maxPages: word(InitOut.MAX_PAGES) & 0xffff,
  };
}
