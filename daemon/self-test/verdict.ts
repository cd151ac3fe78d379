// What the self-test's reads say about the kernel. Pure.

/** What a read(2) gave. */
export type ReadResult = { readonly bytes: Uint8Array } | { readonly errno: string };

export interface TestRead {
  readonly offset: number;
  readonly length: number;
  readonly result: ReadResult;
}

/**
 * Reads while a part of the file cannot be read: each gives an error, or right bytes, also fewer than asked for. At least
 * one gives an error, else nothing was tested. Undefined: so it is.
 */
export function judgeFailing(reads: readonly TestRead[], expected: Uint8Array): string | undefined {
  const wrong = reads.map(read => wrongBytes(read, expected)).find(problem => problem !== undefined);
  if (wrong !== undefined) return wrong;
  if (reads.some(({ result }) => 'errno' in result)) return undefined;
  return 'no read of what cannot be read failed, so nothing is known';
}

/** Reads when the fault is gone: each gives all bytes that it asked for, and right ones. */
export function judgeHealed(reads: readonly TestRead[], expected: Uint8Array): string | undefined {
  for (const read of reads) {
    const { offset, length, result } = read;
    if ('errno' in result) return `${result.errno} at byte ${offset}, although the fault was gone`;
    const wrong = wrongBytes(read, expected);
    if (wrong !== undefined) return `${wrong}; the fault was gone`;
    if (result.bytes.length < length)
      return `${result.bytes.length} of ${length} bytes at ${offset}; the fault was gone`;
  }
  return undefined;
}

function wrongBytes({ offset, result }: TestRead, expected: Uint8Array): string | undefined {
  if ('errno' in result) return undefined;
  const { bytes } = result;
  if (bytes.length === 0) return `the end of the file at byte ${offset} of ${expected.length}`;
  const wrong = bytes.findIndex((byte, at) => byte !== expected[offset + at]);
  if (wrong < 0) return undefined;
  const what = bytes[wrong] === 0 ? 'zeros' : 'wrong bytes';
  return `a read that failed after its first page gave ${what} from byte ${offset + wrong} on, and no error`;
}
