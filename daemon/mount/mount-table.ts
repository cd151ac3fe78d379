// /proc/self/mountinfo (proc(5)), as far as we need it. Pure.

export interface MountEntry {
  /** `major:minor` of the file system; for FUSE the minor is the connection's number. */
  readonly device: string;
  readonly mountpoint: string;
  readonly fsType: string;
  readonly source: string;
}

/** The entries in the order of the table: a later one at the same mountpoint covers an earlier one. */
export function parseMountTable(text: string): MountEntry[] {
  return text.split('\n').flatMap(line => parseLine(line) ?? []);
}

/**
 * The output of mount(8) on macOS, lines of `SOURCE on DIR (TYPE, options)`, which has no devices. From its manual: not
 * tested there.
 */
export function parseMountOutput(text: string): MountEntry[] {
  return [...text.matchAll(/^(\S+) on (.+) \(([^,)]+)[^)]*\)$/gm)].map(
    ([, source = '', mountpoint = '', fsType = '']) => ({
      device: '',
      mountpoint,
      fsType,
      source,
    }),
  );
}

/** What is seen at a mountpoint: the last entry for it. */
export function topMount(table: readonly MountEntry[], mountpoint: string): MountEntry | undefined {
  return table.findLast(entry => entry.mountpoint === mountpoint);
}

/** Whether an image is what is seen at a mountpoint, served or dead. `text` is the mount table. */
export function isMountOfOurs(text: string, mountpoint: string): boolean {
  return topMount(parseMountTable(text), mountpoint)?.source.startsWith('shoal:') === true;
}

/** Fields: id, parent, device, root, mountpoint, options, optional fields, `-`, type, source, super options. */
function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [device, mountpoint, fsType, source] = [fields[2], fields[4], fields[dash + 1], fields[dash + 2]];
  if (dash < 0 || device === undefined || mountpoint === undefined || fsType === undefined || source === undefined) {
    return undefined;
  }
  return { device, mountpoint: decodeField(mountpoint), fsType, source: decodeField(source) };
}

/** Space, tab, newline and backslash are written as three octal digits. */
function decodeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
