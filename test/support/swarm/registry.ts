// Debian's docker-registry in a namespace behind its own shaped link: the origin of everything. Counts the bytes of bodies
// that it has sent, by its own log.

import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { REGISTRY, type ShapedNetwork } from './network.ts';
import { ENVIRONMENT, hasEnded, kill, startInside } from './processes.ts';

const run = promisify(execFile);
const BINARY = '/usr/bin/docker-registry';
const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const START_MS = 20_000;
const CONVERT_MS = 300_000;
/** Nothing else listens in its namespace. */
const PORT = 5000;

export interface OriginPlace {
  readonly network: ShapedNetwork;
  /** An empty directory for storage, configuration and log. */
  readonly directory: string;
}

export class OriginRegistry {
  /** Where nodes find it. */
  readonly address: { readonly host: string; readonly port: number };
  readonly #network: ShapedNetwork;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #port: number;

  private constructor({ network, directory }: OriginPlace, child: ChildProcess, port: number) {
    this.address = { host: network.address(REGISTRY), port: PORT };
    this.#network = network;
    this.#child = child;
    this.#log = logOf(directory);
    this.#port = port;
  }

  /** `behind`: something else (a proxy with faults) has the address, and the registry only a port of the loopback. */
  static async start(place: OriginPlace, options: { readonly behind?: number } = {}): Promise<OriginRegistry> {
    const { network, directory } = place;
    const port = options.behind ?? PORT;
    const host = options.behind === undefined ? '0.0.0.0' : '127.0.0.1';
    await mkdir(directory, { recursive: true });
    const config = join(directory, 'config.yml');
    await writeFile(config, configText(join(directory, 'storage'), `${host}:${port}`));
    const command = [BINARY, 'serve', config];
    const child = startInside({ namespace: network.path(REGISTRY), command, log: logOf(directory) });
    const registry = new OriginRegistry(place, child, port);
    await registry.#listening();
    return registry;
  }

  /** As references name it. */
  get host(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Converts an image into it, from inside its namespace: nothing of that passes its link. The reference, for nodes. */
  async take(source: string, repository: string): Promise<string> {
    const target = `127.0.0.1:${this.#port}/${repository}:latest`;
    const command = [process.execPath, MAIN, 'convert', '--plain-http', source, target];
    const options = { timeout: CONVERT_MS, env: ENVIRONMENT };
    await run('nsenter', [`--net=${this.#network.path(REGISTRY)}`, ...command], options);
    return `${this.host}/${repository}:latest`;
  }

  /** The image's manifest. */
  async manifest(repository: string): Promise<{ readonly layers: readonly { digest: string; size: number }[] }> {
    const image = `docker://127.0.0.1:${this.#port}/${repository}:latest`;
    return JSON.parse(
      await this.#network.inside(REGISTRY, ['skopeo', 'inspect', '--raw', '--tls-verify=false', image]),
    );
  }

  /** Bytes of the bodies of its answers so far: of all, and of these blobs. Answers whose end it has seen. */
  async bodyBytes(digests: readonly string[]): Promise<{ readonly all: number; readonly blobs: number }> {
    const log = await readFile(this.#log, 'utf8');
    let [all, blobs] = [0, 0];
    for (const line of log.split('\n')) {
      const written = Number(/"http\.response\.written":(\d+)/.exec(line)?.[1] ?? 0);
      all += written;
      if (written > 0 && digests.some(digest => line.includes(`/blobs/${digest}"`))) blobs += written;
    }
    return { all, blobs };
  }

  stop(): Promise<void> {
    return kill(this.#child);
  }

  async #listening(): Promise<void> {
    const deadline = performance.now() + START_MS;
    while (!(await readFile(this.#log, 'utf8').catch(() => '')).includes('listening on')) {
      if (hasEnded(this.#child) || performance.now() > deadline) {
        throw new Error(`docker-registry did not start to listen: ${this.#log}`);
      }
      await new Promise(done => setTimeout(done, 20));
    }
  }
}

function logOf(directory: string): string {
  return join(directory, 'log');
}

function configText(storage: string, address: string): string {
  return `version: 0.1
log:
  level: info
  formatter: json
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${storage}
http:
  addr: ${address}
`;
}
