// Single fields on disk: numbers of 64 bits without BigInt (the format's own limits stay below 2^53) and byte strings.

import { malformed } from './refusals.ts';

const U32_RANGE = 0x1_0000_0000;
/** The largest high half of a u64 that still is a safe integer. */
const MAX_SAFE_HIGH = 0x1f_ffff;

/** The u64 at `at`. Throws `malformed`, naming `what`, when it does not fit a safe integer. */
export function readU64(view: DataView, at: number, what: string): number {
  const high = view.getUint32(at + 4, true);
  if (high > MAX_SAFE_HIGH) throw malformed(`${what} is beyond 2^53`);
  return high * U32_RANGE + view.getUint32(at, true);
}

/** The i64 at `at`, likewise. */
export function readI64(view: DataView, at: number, what: string): number {
  const high = view.getInt32(at + 4, true);
  if (high > MAX_SAFE_HIGH || high < ~MAX_SAFE_HIGH) throw malformed(`${what} is beyond 2^53`);
  return high * U32_RANGE + view.getUint32(at, true);
}

/** Writes a safe integer, negative ones in two's complement. */
export function writeI64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % U32_RANGE, true);
  view.setInt32(at + 4, Math.floor(value / U32_RANGE), true);
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Whether a string is a byte string without NUL, as file names, link targets and xattr names must be. */
export function isPlainByteString(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
}

/** Writes a byte string. */
export function writeByteString(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** The bytes [start, end) as a byte string. */
export function byteString(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
