// The paths of tar entries, as lists of names.

import { ShoalError } from '../core/index.ts';

/** NAME_MAX of Linux file systems, and of the image format. */
const MAX_NAME_BYTES = 255;
/** Room for the prefix of a whiteout in front of a name of full length. */
const MAX_MARKED_NAME_BYTES = MAX_NAME_BYTES + 4;

/**
 * The names of a path; none for the root. A leading `/`, `.` and doubled or trailing slashes are dropped, as every
 * reader of layers does. Throws `malformed` for `..`: some readers resolve it, some refuse, and no builder writes it.
 */
export function splitPath(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') throw new ShoalError('malformed', `${printable(path)}: ".." in a path`);
    if (name.length > MAX_MARKED_NAME_BYTES) throw tooLong(path, name);
    names.push(name);
  }
  return names;
}

/** Throws `limit` for a name that no file can have. */
export function checkName(path: string, name: string): void {
  if (name.length > MAX_NAME_BYTES) throw tooLong(path, name);
}

/** A byte string as a person would read it, for messages: UTF-8 where it is, quoted, shortened. */
export function printable(bytes: string): string {
  return JSON.stringify(Buffer.from(bytes, 'latin1').toString('utf8').slice(0, 300));
}

function tooLong(path: string, name: string): ShoalError {
  return new ShoalError('limit', `${printable(path)}: a name of ${name.length} bytes; at most ${MAX_NAME_BYTES}`);
}
