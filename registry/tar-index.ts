// Finds the members of a tar file by reading its headers only, so that what is in it can be read at random: contents are
// jumped over. Each header is parsed by tar-stream; everything it claims is checked against the file before it is used.

import type { FileHandle } from 'node:fs/promises';
import { extract } from 'tar-stream';
import { abortedError, messageOf, ShoalError } from '../core/index.ts';

/** Where a member's content lies in the tar file, bytes. */
export interface TarPlace {
  readonly offset: number;
  readonly size: number;
}

interface Member extends TarPlace {
  readonly name: string;
  readonly type: string | null;
  readonly linkName: string;
}

const BLOCK_BYTES = 512;
/** A large registry's worth of blobs; one takes some 200 bytes here. */
const MAX_MEMBERS = 200_000;
/** Header and extended headers of one member: paths of 4 KiB and the attributes of builders fit many times. */
const MAX_HEADER_BYTES = 128 * 1024;
/** `docker save` links a layer to its twin; links to links are not written by anybody. */
const MAX_LINKS = 4;

export class TarIndex {
  readonly #files = new Map<string, TarPlace>();
  readonly #links = new Map<string, string>();
  /** Where the first byte after the last member is, rounded up to a whole block. */
  readonly end: number;

  constructor(members: readonly Member[], end: number) {
    this.end = end;
    for (const member of members) this.#add(member);
  }

  /** The content of the regular file at `path`, through links inside the archive; the last member of a name counts. */
  find(path: string): TarPlace | undefined {
    let name = path;
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      const place = this.#files.get(name);
      if (place) return place;
      const target = this.#links.get(name);
      if (target === undefined) return undefined;
      name = target;
    }
    return undefined;
  }

  /** Names of all regular files. */
  get names(): Iterable<string> {
    return this.#files.keys();
  }

  #add({ name, type, linkName, offset, size }: Member): void {
    const path = normalised(name, '');
    if (path === undefined) return;
    this.#files.delete(path);
    this.#links.delete(path);
    if (type === 'file' || type === 'contiguous-file') this.#files.set(path, { offset, size });
    // A symbolic link starts from where it stands, a hard link from the archive's root.
    const from = type === 'symlink' ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    const target = type === 'symlink' || type === 'link' ? normalised(linkName, from) : undefined;
    if (target !== undefined) this.#links.set(path, target);
  }
}

/** Reads all headers. `what` is for messages. Throws `malformed`, `unsupported`, `limit`, `aborted`. */
export async function indexTar(
  file: FileHandle,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
): Promise<TarIndex> {
  const { size } = await file.stat();
  await refuseCompressed(file, what);
  const members: Member[] = [];
  let at = 0;
  while (at < size) {
    if (signal.aborted) throw abortedError(signal);
    const member = await readMember(file, at, size, what);
    if (!member) break;
    if (members.length === MAX_MEMBERS) throw new ShoalError('limit', `${what}: more than ${MAX_MEMBERS} files in it`);
    if (!Number.isSafeInteger(member.size) || member.size < 0 || member.offset + member.size > size) {
      const found = `at byte ${member.offset} of an archive of ${size}`;
      throw new ShoalError(
        'malformed',
        `${what}: ${JSON.stringify(member.name.slice(0, 200))} has ${member.size} bytes ${found}: cut off or no tar`,
      );
    }
    members.push(member);
    at = member.offset + Math.ceil(member.size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return new TarIndex(members, at);
}

/** The member whose (extended) header starts at `at`; undefined at the archive's end. */
async function readMember(file: FileHandle, at: number, end: number, what: string): Promise<Member | undefined> {
  const tar = extract();
  let member: Member | undefined;
  let failure: unknown;
  tar.on('error', error => {
    failure = error;
  });
  tar.on('entry', (header, stream) => {
    // Only `directory` and `file` have data: what a link claims as its size is not stored.
    const isFile = header.type === 'file' || header.type === 'contiguous-file' || header.type === null;
    member ??= {
      name: header.name,
      type: header.type,
      linkName: header.linkname ?? '',
      offset: at + stream.offset + BLOCK_BYTES,
      size: isFile ? header.size : 0,
    };
    stream.on('error', () => {}); // destroyed below, on purpose
  });
  try {
    for (let read = 0; member === undefined; read += BLOCK_BYTES) {
      const block = Buffer.alloc(BLOCK_BYTES);
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, at + read);
      const isZeros = block.every(byte => byte === 0);
      if (read === 0 && isZeros) return undefined;
      if (read >= MAX_HEADER_BYTES) throw new ShoalError('limit', `${what}: a tar header of more than ${read} bytes`);
      if (bytesRead < BLOCK_BYTES || at + read >= end) {
        throw new ShoalError('malformed', `${what}: the archive is cut off in the header at byte ${at}, or is no tar`);
      }
      tar.write(block);
      // The parser works when it gets its turn.
      await new Promise(resolve => setImmediate(resolve));
      if (failure !== undefined) {
        throw new ShoalError('malformed', `${what}: no tar header at byte ${at}: ${messageOf(failure)}`);
      }
    }
    return member;
  } finally {
    tar.destroy();
  }
}

const MAGICS: ReadonlyMap<string, string> = new Map([
  ['1f8b', 'gzip'],
  ['28b5', 'zstd'],
  ['fd37', 'xz'],
  ['425a', 'bzip2'],
]);

/** A compressed tar cannot be read at random. */
async function refuseCompressed(file: FileHandle, what: string): Promise<void> {
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, magic.length, 0);
  const name = MAGICS.get(magic.toString('hex'));
  if (name === undefined) return;
  throw new ShoalError(
    'unsupported',
    `${what}: the archive as a whole is compressed with ${name}; decompress it first`,
  );
}

/** A path inside the archive without `.`, empty names and a leading slash; undefined when it leads out. */
function normalised(path: string, from: string): string | undefined {
  const names: string[] = [];
  for (const name of `${path.startsWith('/') ? '' : from}${path}`.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names.join('/');
}
