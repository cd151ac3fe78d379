// What the kernel is told when a request fails: the errno table of the fuse driver.

import { type ErrorCode, isShoalError } from '../../core/index.ts';

/** Numbers of Linux on x86-64 and arm64. */
export const Errno = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EINVAL: 22,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENODATA: 61,
  EPROTO: 71,
  EILSEQ: 84,
  EUCLEAN: 117,
} as const;

/** EUCLEAN is what file systems answer when their own structures are damaged; the rest is an I/O error to a reader. */
const BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  malformed: Errno.EUCLEAN,
  aborted: Errno.EINTR,
};

export function errnoFor(error: unknown): number {
  return (isShoalError(error) ? BY_CODE[error.code] : undefined) ?? Errno.EIO;
}
