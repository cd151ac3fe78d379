// The directory of one conversion's temporary files. It goes with the conversion, whatever happened; and because a
// conversion that is killed cannot clean up, the next one in the same place does: a directory whose owner listens on its
// socket is alive, one whose socket nobody listens on is not. (A pid would not do: it may be of another pid namespace.)

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { errnoOf, fromSystemError } from '../core/index.ts';

const PREFIX = 'shoal-convert-';
const SOCKET = 'alive';
/** sockaddr_un has room for this much (unix(7)). A longer path has no socket, and is never taken for dead. */
const MAX_SOCKET_PATH_BYTES = 107;
/** mkdtemp's own: nobody else can have put anything into it. */
const PRIVATE_MODE = 0o700;

export class WorkDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server | undefined;

  private constructor(path: string, server: Server | undefined) {
    this.path = path;
    this.#server = server;
  }

  /** Makes one below `workDir`, after removing those of conversions that died. Rejects with the system's error. */
  static async make(workDir: string): Promise<WorkDirectory> {
    await removeDead(workDir);
    try {
      const path = await mkdtemp(join(workDir, PREFIX));
      return new WorkDirectory(path, await listen(join(path, SOCKET)));
    } catch (error) {
      throw fromSystemError(error, `make a directory in ${workDir}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close();
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Undefined where sockets cannot be: the directory then stays when its owner is killed. */
async function listen(path: string): Promise<Server | undefined> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) return undefined;
  const server = createServer(connection => connection.destroy());
  server.unref();
  return new Promise(resolve => {
    server.once('error', () => resolve(undefined));
    server.listen(path, () => resolve(server));
  });
}

async function removeDead(workDir: string): Promise<void> {
  const names = await readdir(workDir).catch(() => []); // told when the directory is made
  for (const name of names.filter(each => each.startsWith(PREFIX))) {
    const path = join(workDir, name);
    if ((await isOurs(path)) && (await isDead(join(path, SOCKET)))) {
      await rm(path, { recursive: true, force: true }).catch(() => {}); // somebody else is doing the same
    }
  }
}

async function isOurs(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o777) === PRIVATE_MODE;
}

function isDead(socket: string): Promise<boolean> {
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES) return Promise.resolve(false);
  return new Promise(resolve => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(false);
    });
    connection.once('error', error => resolve(errnoOf(error) === 'ECONNREFUSED'));
  });
}
