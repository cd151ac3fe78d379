// Builds a realistic OCI image out of what this machine has: a shell tool set, the running Node binary with its
// libraries, this project's node_modules and a small server, in four layers, the last with a whiteout and a replaced
// file. No network.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdtemp, readdir, readlink, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { type Descriptor, type Digest, digestFromHex, type ImageSink } from '../../core/index.ts';
import { findProgram } from '../run/launch.ts';

const run = promisify(execFile);

const SHELL_TOOLS = ['sh', 'ls', 'cat', 'grep', 'sed', 'head', 'sort', 'wc', 'env', 'id', 'ps', 'find', 'cp', 'rm'];

/** Packages that hold another Node binary (the image has one already), and what tools keep there between runs. */
const LEFT_OUT = /^(node-(linux|darwin|win)-|\.cache\/)/;

/** Every time stamp in the image, so that building it twice gives the same digests. */
const BUILD_TIME = new Date('2026-01-01T00:00:00Z');

const SERVER = `// Imports a web framework, starts it, asks it for a page: the moment the answer arrives is "ready".
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
const greeting = readFileSync('/app/greeting.txt', 'utf8').trim();
const server = fastify();
server.get('/', async () => ({ greeting, node: process.version }));
const address = await server.listen({ host: '127.0.0.1', port: 0 });
const answer = await (await fetch(address)).json();
console.log('ready: ' + JSON.stringify(answer));
await server.close();
`;

/** Larger than the default of 16 or 64 KiB: fewer events for the same bytes. */
const PIECE_BYTES = 256 << 10;

/** Digest and length of what passes. */
class Tally {
  readonly #hash = createHash('sha256');
  bytes = 0;

  async *pass(content: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      if (!(piece instanceof Uint8Array)) continue;
      this.#hash.update(piece);
      this.bytes += piece.length;
      yield piece;
    }
  }

  /** Ends the tally. */
  digest(): Digest {
    return digestFromHex(this.#hash.digest('hex'));
  }
}

interface BuiltLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

type FillLayer = (tar: LayerTar) => Promise<void>;

export interface DemoImage {
  /** Compressed bytes of all layers, and what they unpack to. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly layers: number;
}

/** Writes the image into `sink`. Temporary files go below `workDir` and are gone afterwards. */
export async function buildDemoImage(
  sink: ImageSink,
  options: {
    readonly workDir: string;
    readonly nodeModules: string;
    readonly path: string;
    readonly signal: AbortSignal;
  },
): Promise<DemoImage> {
  const scratch = await mkdtemp(join(options.workDir, 'image-'));
  try {
    const fills: readonly FillLayer[] = [
      tar => addShell(tar, options.path),
      tar => addProgram(tar, process.execPath, '/usr/bin/node'),
      tar => addApplication(tar, options.nodeModules),
      addPatch,
    ];
    const sizes: number[] = [];
    // Two at a time: each layer is one gzip stream, and gzip is what takes the time.
    const layers: BuiltLayer[] = [];
    for (let at = 0; at < fills.length; at += 2) {
      const pair = fills
        .slice(at, at + 2)
        .map((fill, offset) => buildLayer(join(scratch, `${at + offset}`), fill, sink, sizes, options.signal));
      layers.push(...(await Promise.all(pair)));
    }
    await putImage(sink, layers, options.signal);
    return {
      compressedBytes: layers.reduce((sum, layer) => sum + layer.descriptor.size, 0),
      uncompressedBytes: sizes.reduce((sum, size) => sum + size, 0),
      layers: layers.length,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function buildLayer(
  path: string,
  fill: FillLayer,
  sink: ImageSink,
  sizes: number[],
  signal: AbortSignal,
): Promise<BuiltLayer> {
  const tar = new LayerTar();
  const [plain, compressed] = [new Tally(), new Tally()];
  const gzip = createGzip({ level: 6, chunkSize: PIECE_BYTES });
  const written = pipeline(plain.pass(tar.stream), gzip, content => compressed.pass(content), createWriteStream(path), {
    signal,
  });
  await Promise.all([fill(tar).then(() => tar.stream.finalize()), written]);
  sizes.push(plain.bytes);
  const descriptor: Descriptor = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: compressed.digest(),
    size: compressed.bytes,
  };
  await sink.putBlob(descriptor, () => createReadStream(path, { highWaterMark: PIECE_BYTES }), { signal });
  return { descriptor, diffId: plain.digest() };
}

async function putImage(sink: ImageSink, layers: readonly BuiltLayer[], signal: AbortSignal): Promise<void> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: BUILD_TIME.toISOString(),
      config: {
        Env: ['PATH=/usr/bin:/bin'],
        Entrypoint: ['/usr/bin/node'],
        Cmd: ['/app/server.mjs'],
        WorkingDir: '/app',
      },
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
      history: layers.map(() => ({ created: BUILD_TIME.toISOString(), created_by: 'shoal demo' })),
    }),
  );
  const configDescriptor: Descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestFromHex(createHash('sha256').update(config).digest('hex')),
    size: config.length,
  };
  const content = async function* () {
    yield config;
  };
  await sink.putBlob(configDescriptor, content, { signal });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: configDescriptor,
    layers: layers.map(layer => layer.descriptor),
  };
  await sink.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, { signal });
}

/** One layer's tar: adds host files, with the parents that they need, each path once. */
class LayerTar {
  readonly stream: Pack = pack();
  readonly #seen = new Set<string>(['/']);

  async directory(path: string): Promise<void> {
    if (this.#seen.has(path)) return;
    await this.directory(dirname(path));
    this.#seen.add(path);
    this.stream.entry({ name: path.slice(1), type: 'directory', mode: 0o755, mtime: BUILD_TIME });
  }

  async text(path: string, content: string): Promise<void> {
    await this.directory(dirname(path));
    this.stream.entry({ name: path.slice(1), mode: 0o644, mtime: BUILD_TIME }, content);
  }

  /** Copies a host file or link; a path that is there already stays. */
  async copy(from: string, path: string): Promise<void> {
    if (this.#seen.has(path)) return;
    await this.directory(dirname(path));
    this.#seen.add(path);
    const attributes = await lstat(from);
    const header = { name: path.slice(1), mode: attributes.mode & 0o7777, mtime: BUILD_TIME };
    if (attributes.isSymbolicLink()) {
      this.stream.entry({ ...header, type: 'symlink', linkname: await readlink(from) });
      return;
    }
    if (!attributes.isFile()) return;
    await pipeline(
      createReadStream(from, { highWaterMark: 1 << 20 }),
      this.stream.entry({ ...header, size: attributes.size }),
    );
  }
}

/** A program and the shared libraries the loader names for it, at the paths where it will look for them. */
async function addProgram(tar: LayerTar, from: string, path: string): Promise<void> {
  await tar.copy(await realpath(from), path);
  const { stdout } = await run('ldd', [from]).catch(() => ({ stdout: '' })); // a static program has none
  for (const [, library] of stdout.matchAll(/(\/\S+)\s+\(0x/g)) {
    if (library) await tar.copy(await realpath(library), library);
  }
}

async function addShell(tar: LayerTar, path: string): Promise<void> {
  for (const folder of ['/tmp', '/proc', '/sys', '/dev', '/app', '/root']) await tar.directory(folder);
  await tar.text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
  await tar.text('/etc/group', 'root:x:0:\nnogroup:x:65534:\n');
  await tar.text('/etc/unused.conf', 'a file that the last layer takes away\n');
  for (const tool of SHELL_TOOLS) {
    const program = await findProgram(tool, path);
    if (program) await addProgram(tar, program, `/bin/${basename(program)}`);
  }
}

async function addApplication(tar: LayerTar, nodeModules: string): Promise<void> {
  const entries = await readdir(nodeModules, { withFileTypes: true, recursive: true });
  for (const entry of entries.sort((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))) {
    const from = join(entry.parentPath, entry.name);
    const inside = from.slice(nodeModules.length + 1);
    if (LEFT_OUT.test(inside) || entry.isDirectory()) continue;
    await tar.copy(from, `/app/node_modules/${inside}`);
  }
  await tar.text('/app/server.mjs', SERVER);
  await tar.text('/app/greeting.txt', 'the greeting of the third layer\n');
}

async function addPatch(tar: LayerTar): Promise<void> {
  await tar.text('/app/greeting.txt', 'hello from a lazily loaded image\n');
  await tar.text('/etc/.wh.unused.conf', '');
}
