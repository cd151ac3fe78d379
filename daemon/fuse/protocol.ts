// The FUSE kernel protocol as far as we speak it: numbers and offsets of include/uapi/linux/fuse.h, version 7.
// Structures are in the machine's byte order, so requests and replies are looked at through Uint32Array views; a
// 64-bit field is two words, the low one first. **That holds on little-endian machines**, the only ones Node supports
// besides s390x; `assertLittleEndian` refuses the rest.

import { endianness } from 'node:os';
import { ShoalError } from '../../core/index.ts';

/** Versions: below 7.31 parts of what we rely on are missing (Linux 5.4). */
export const KERNEL_MAJOR = 7;
export const KERNEL_MINOR = 38;
export const OLDEST_KERNEL_MINOR = 31;

/** The root's node id is fixed by the protocol; 0 means "no such name". Others are nid + 2 (design §6 rule 11). */
export const ROOT_NODE_ID = 1;
export const NODE_ID_OFFSET = 2;

export const Op = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  RELEASE: 18,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  COPY_FILE_RANGE: 47,
  TMPFILE: 51,
} as const;

/** What would change the tree. The mount is read-only, so the kernel itself stops nearly all of it. */
export const WRITING_OPS: ReadonlySet<number> = new Set([
  Op.SETATTR,
  Op.SYMLINK,
  Op.MKNOD,
  Op.MKDIR,
  Op.UNLINK,
  Op.RMDIR,
  Op.RENAME,
  Op.LINK,
  Op.WRITE,
  Op.SETXATTR,
  Op.REMOVEXATTR,
  Op.CREATE,
  Op.FALLOCATE,
  Op.RENAME2,
  Op.COPY_FILE_RANGE,
  Op.TMPFILE,
]);

/** Flags of INIT. */
export const InitFlag = {
  ASYNC_READ: 1 << 0,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  NO_OPEN_SUPPORT: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  POSIX_ACL: 1 << 20,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  /** There is a second word of flags. */
  INIT_EXT: 1 << 30,
} as const;

/** Of the second word: bits 32 and up. The kernel offers the first only where fuse's parameter enable_uring is on. */
export const InitFlag2 = { OVER_IO_URING: 1 << 9 } as const;

/** What the kernel is told about a mount unasked, in the error field of a message without `unique`. */
export const Notify = { RETRIEVE: 5, RESEND: 7 } as const;

/** fuse_notify_retrieve_out, in words from the body: `unique` of the answer, node id, offset, size. */
export const NotifyRetrieveOut = { BYTES: 32, UNIQUE: 0, NODE_ID: 2 } as const;

/** Commands of FUSE over io_uring. */
export const RingCommand = { REGISTER: 1, COMMIT_AND_FETCH: 2 } as const;

/** fuse_uring_cmd_req, in words from the command part of a submission entry. */
export const RingRequest = { COMMIT_ID: 2, QUEUE: 4 } as const;

/**
 * fuse_uring_req_header, in words: fuse_in_header or fuse_out_header, the request's own fixed part, and
 * fuse_uring_ent_in_out (flags, commit id, payload size).
 */
export const RingHeader = { IN_OUT: 0, OPERATION: 32, OPERATION_BYTES: 128, COMMIT_ID: 66, PAYLOAD_BYTES: 68 } as const;

/** fuse_in_header, in words: len, opcode, unique (2), nodeid (2), uid, gid, pid, extension length. */
export const InHeader = { BYTES: 40, WORDS: 10, LENGTH: 0, OPCODE: 1, UNIQUE: 2, NODE_ID: 4, PID: 8 } as const;

/** fuse_out_header, in words: len, error, unique (2). */
export const OutHeader = { BYTES: 16, WORDS: 4, LENGTH: 0, ERROR: 1, UNIQUE: 2 } as const;

/** fuse_init_in and fuse_init_out (64 bytes), in words from the body. */
export const InitIn = { MAJOR: 0, MINOR: 1, FLAGS: 3, FLAGS_2: 4 } as const;
export const InitOut = {
  BYTES: 64,
  MAJOR: 0,
  MINOR: 1,
  MAX_READAHEAD: 2,
  FLAGS: 3,
  /** Two 16-bit fields: max_background, congestion_threshold. */
  BACKGROUND: 4,
  MAX_WRITE: 5,
  TIME_GRANULARITY: 6,
  /** Two 16-bit fields: max_pages, map_alignment. */
  MAX_PAGES: 7,
  FLAGS_2: 8,
} as const;

/** fuse_read_in, also of READDIR and READDIRPLUS, in words from the body. */
export const ReadIn = { OFFSET: 2, SIZE: 4 } as const;

/** fuse_getxattr_in: size in the first word, the name after 8 bytes. */
export const GetXattrIn = { SIZE: 0, NAME_BYTES: 8 } as const;

/** fuse_getxattr_out: the size that was asked for, and padding. */
export const GetXattrOut = { BYTES: 8 } as const;

/** fuse_open_out, in words from the body: a handle (2), flags, a backing file. */
export const OpenOut = { BYTES: 16, WORDS: 4, FLAGS: 2 } as const;

/** What the kernel does with the pages of an open file. */
export const OpenFlag = { DIRECT_IO: 1, KEEP_CACHE: 2 } as const;

/** fuse_interrupt_in: the unique of the request that is to be interrupted. */
export const InterruptIn = { UNIQUE: 0 } as const;

/** fuse_attr, 88 bytes, in words. */
export const Attr = {
  BYTES: 88,
  WORDS: 22,
  INO: 0,
  SIZE: 2,
  BLOCKS: 4,
  ATIME: 6,
  MTIME: 8,
  CTIME: 10,
  ATIME_NSEC: 12,
  MTIME_NSEC: 13,
  CTIME_NSEC: 14,
  MODE: 15,
  NLINK: 16,
  UID: 17,
  GID: 18,
  RDEV: 19,
  BLOCK_SIZE: 20,
} as const;

/** fuse_entry_out, 128 bytes: node id, generation, two times with nanoseconds, attributes. In words. */
export const EntryOut = { BYTES: 128, WORDS: 32, NODE_ID: 0, ENTRY_VALID: 4, ATTR_VALID: 6, ATTR: 10 } as const;

/** fuse_attr_out, 104 bytes. In words. */
export const AttrOut = { BYTES: 104, WORDS: 26, ATTR_VALID: 0, ATTR: 4 } as const;

/** fuse_dirent: inode, cookie of the next, name length, type, name; padded to 8 bytes. In words, except NAME_BYTES. */
export const Dirent = { INO: 0, OFFSET: 2, NAME_LENGTH: 4, TYPE: 5, NAME_BYTES: 24 } as const;

/** fuse_kstatfs in fuse_statfs_out, 80 bytes. In words. */
export const StatfsOut = {
  BYTES: 80,
  WORDS: 20,
  BLOCKS: 0,
  FILES: 6,
  BLOCK_SIZE: 10,
  NAME_LENGTH: 11,
  FRAGMENT_SIZE: 12,
} as const;

/**
 * Seconds for which the kernel may keep names and attributes: the tree never changes. 2^31 - 1 is 68 years; the kernel
 * clips larger values anyway.
 */
export const FOREVER_SECONDS = 0x7fff_ffff;

export function assertLittleEndian(): void {
  if (endianness() !== 'LE') throw new ShoalError('unsupported', 'the fuse driver needs a little-endian machine');
}
