// GETXATTR and LISTXATTR: what is shown of a file's extended attributes. Pure.

/**
 * Private to overlayfs: in a lower layer these would redirect names, replace contents or hide entries. An image has no
 * business with them (design §6 rule 11).
 */
const HIDDEN_PREFIX = 'trusted.overlay.';

export function isShown(name: string): boolean {
  return !name.startsWith(HIDDEN_PREFIX);
}

/** The names as listxattr(2) gives them: byte strings, each ended by NUL. */
export function nameList(names: Iterable<string>): Buffer {
  let list = '';
  for (const name of names) if (isShown(name)) list += `${name}\0`;
  return Buffer.from(list, 'latin1');
}
