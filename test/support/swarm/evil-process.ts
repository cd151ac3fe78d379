// An evil peer from outside: its process on a link of its own.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Cluster, PEER_PORT } from './cluster.ts';
import { type EvilPlan, evilGreeting, evilProgress } from './evil-plan.ts';
import type { EvilBlob, Malice } from './evil-tasks.ts';
import type { ShapedNetwork } from './network.ts';
import { kill, startInside, within } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, 'evil-peer.ts');
const RELAY_PORT = 4002;
const START_MS = 20_000;

export class EvilProcess {
  readonly peerId: string;
  /** Peers of which it asked everything. */
  asked = 0;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, peerId: string) {
    this.#child = child;
    this.peerId = peerId;
    child.on('message', message => {
      this.asked = evilProgress.parse(message).asked;
    });
  }

  /** Resolves when it is a member. */
  static async start(
    { network, cluster, directory }: { network: ShapedNetwork; cluster: Cluster; directory: string },
    { link, malice, blobs }: { link: string; malice: Malice; blobs: readonly EvilBlob[] },
  ): Promise<EvilProcess> {
    const root = join(directory, `evil-${link}`);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const plan: EvilPlan = {
      malice,
      root,
      address: network.address(link),
      port: PEER_PORT,
      relayPort: RELAY_PORT,
      ...(await cluster.member(link, root)),
      blobs: [...blobs],
    };
    if (malice === 'one-byte') {
      // What comes over the wire goes to the relay; what the relay itself opens does not.
      const rule = ['-p', 'tcp', '--dport', `${PEER_PORT}`, '-j', 'REDIRECT', '--to-ports', `${RELAY_PORT}`];
      await network.inside(link, ['iptables', '-w', '-t', 'nat', '-A', 'PREROUTING', ...rule]);
    }
    const command = [process.execPath, PROGRAM, JSON.stringify(plan)];
    const child = startInside({ namespace: network.path(link), command, channel: true });
    try {
      const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the evil peer ended with ${code}`)));
      const [greeting] = await within(START_MS, Promise.race([once(child, 'message'), ended]), 'the evil peer');
      return new EvilProcess(child, evilGreeting.parse(greeting).peerId);
    } catch (error) {
      await kill(child);
      throw error;
    }
  }

  async stop({ network, link }: { network: ShapedNetwork; link: string }): Promise<void> {
    await kill(this.#child);
    await network.inside(link, ['iptables', '-w', '-t', 'nat', '-F', 'PREROUTING']);
  }
}
