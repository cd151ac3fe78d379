// Writes tar archives byte by byte, right and wrong ones, for tests: what libraries refuse to write is what readers
// must be tested with. Names and targets are byte strings (latin1).

export interface TarItem {
  readonly path: string;
  /** Default: `file` when there is content, else by a trailing slash. A single character is a raw type flag. */
  readonly type?: 'file' | 'directory' | 'hardlink' | 'symlink' | 'char' | 'block' | 'fifo' | string;
  readonly content?: Uint8Array | string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly xattrs?: Readonly<Record<string, Uint8Array | string>>;
  /** More pax records, by key. */
  readonly pax?: Readonly<Record<string, Uint8Array | string>>;
  /** Size in the header when it is not the content's. */
  readonly size?: number;
  /** Changes the finished header block before its checksum is made. */
  readonly patch?: (header: Buffer) => void;
}

const BLOCK = 512;
const FLAGS: Readonly<Record<string, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** A whole archive with the two zero blocks at its end. Long names, ids and xattrs go into pax headers. */
export function tarOf(items: readonly TarItem[]): Buffer {
  return Buffer.concat([...items.map(tarMember), Buffer.alloc(2 * BLOCK)]);
}

/** One entry: its pax header where it needs one, header, content, padding. */
export function tarMember(item: TarItem): Buffer {
  const content = Buffer.from(item.content ?? '');
  const records: Record<string, Uint8Array | string> = { ...item.pax };
  if (item.path.length > 100) records['path'] = Buffer.from(item.path, 'latin1');
  if ((item.target?.length ?? 0) > 100) records['linkpath'] = Buffer.from(item.target ?? '', 'latin1');
  for (const [name, value] of Object.entries(item.xattrs ?? {})) records[`SCHILY.xattr.${name}`] = value;
  const pax = Object.keys(records).length > 0 ? paxMember(records) : Buffer.alloc(0);
  return Buffer.concat([pax, tarHeader(item, item.size ?? content.length), padded(content)]);
}

/** A pax header (type `x`, or `g` for a global one) with these records. */
export function paxMember(records: Readonly<Record<string, Uint8Array | string>>, type = 'x'): Buffer {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  return rawMember('pax', type, body);
}

/** One `LENGTH KEY=VALUE\n` record. */
function paxRecord(key: string, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A member of any type with any body, as GNU's long names are (`L`, `K`). */
export function rawMember(path: string, type: string, body: Uint8Array | string): Buffer {
  const content = Buffer.from(body);
  return Buffer.concat([tarHeader({ path, type }, content.length), padded(content)]);
}

export function tarHeader(item: TarItem, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(item.path.slice(0, 100), 0, 'latin1');
  writeOctal(header, 100, 8, item.mode ?? (item.path.endsWith('/') ? 0o755 : 0o644));
  writeOctal(header, 108, 8, item.uid ?? 0);
  writeOctal(header, 116, 8, item.gid ?? 0);
  writeOctal(header, 124, 12, size);
  writeOctal(header, 136, 12, item.mtime ?? 1_600_000_000);
  const type = item.type ?? (item.path.endsWith('/') ? 'directory' : 'file');
  header.write(FLAGS[type] ?? type, 156, 'latin1');
  header.write((item.target ?? '').slice(0, 100), 157, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  writeOctal(header, 329, 8, item.major ?? 0);
  writeOctal(header, 337, 8, item.minor ?? 0);
  item.patch?.(header);
  return withChecksum(header);
}

/** Sets the checksum of a header block, in place. */
export function withChecksum(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Octal, or base-256 where that cannot hold the number. */
function writeOctal(header: Buffer, offset: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < length) {
    header.write(`${digits.padStart(length - 1, '0')}\0`, offset, 'latin1');
    return;
  }
  for (let i = length - 1, rest = BigInt(value); i >= 0; i--, rest >>= 8n) header[offset + i] = Number(rest & 0xffn);
  header[offset] = (header[offset] ?? 0) | 0x80;
}

export function padded(content: Uint8Array): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}
