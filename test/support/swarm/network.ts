// A network of shaped links on one machine: a network namespace for each node, the registry and the control side
// (schedulers; not shaped), each joined by a veth pair to a bridge in a namespace of its own. The machine's own network is
// not touched, and runs beside each other don't meet.
//
//   const network = await ShapedNetwork.create(key, { nodes: ['n1', 'n2'], mbit: 20 });
//   network.address('n1')                          // 10.77.0.11
//   await network.setRate('n1', 5)                 // at any time
//   await network.partition([['n1'], ['n2']])      // silence between the groups, until heal()
//   await network.traffic('registry')              // what its link has carried
//   await network.remove()
//
// A rate is that of TCP payload, in both directions. How the links are made, and why, is in docs/benchmarks.md.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ENVIRONMENT } from './processes.ts';
import { nameOf, type RunKey } from './run-key.ts';

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 20_000;

const MTU = 1500;
/** Of a full segment: Ethernet header and frame, as tbf counts them, and what is left for data (IP 20, TCP 32). */
const FRAME_BYTES = MTU + 14;
const PAYLOAD_BYTES = MTU - 52;
/** A whole GSO packet passes at once, so segmentation can stay where it costs least. */
const BURST_BYTES = 72 * 1024;
/** Longest wait in a link's queue. */
const QUEUE_MS = 100;
/** Backlog beyond this stays in the programs, where it can still be reordered or cancelled. */
const NOTSENT_LOWAT = 131_072;

export const REGISTRY = 'registry';
export const CONTROL = 'control';
const SWITCH = 'switch';
const BRIDGE = 'bridge0';
const LINK = 'eth0';

export interface NetworkPlan {
  /** Each gets a link; short names of letters and digits. */
  readonly nodes: readonly string[];
  /** Payload of every link in each direction, Mbit/s. */
  readonly mbit: number;
  /** Default: the same. */
  readonly registryMbit?: number;
}

/** Since the link was made. Bytes are those of frames, as the shaper counts them. */
export interface Traffic {
  readonly upBytes: number;
  readonly downBytes: number;
  readonly drops: number;
}

export class ShapedNetwork {
  readonly #key: RunKey;
  readonly #addresses = new Map<string, string>();
  readonly #parted = new Set<string>();

  private constructor(key: RunKey) {
    this.#key = key;
  }

  /** All or nothing. Needs root. */
  static async create(key: RunKey, plan: NetworkPlan): Promise<ShapedNetwork> {
    const network = new ShapedNetwork(key);
    try {
      await network.#make(plan);
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  /** Path of a namespace, for nsenter. */
  path(name: string): string {
    return `/run/netns/${nameOf(this.#key, name)}`;
  }

  address(name: string): string {
    const address = this.#addresses.get(name);
    if (address === undefined) throw new Error(`no link ${name}`);
    return address;
  }

  /** Payload rates of a link, Mbit/s; `down` is like `up` unless it is given. */
  async setRate(name: string, up: number, down = up): Promise<void> {
    await this.#tc(name, up, ['-n', nameOf(this.#key, name)], LINK);
    await this.#tc(name, down, ['-n', nameOf(this.#key, SWITCH)], portOf(name));
  }

  /** From now on nothing passes between members of different groups; who is in none reaches all. Replaces the last one. */
  async partition(groups: readonly (readonly string[])[]): Promise<void> {
    await this.heal();
    for (const group of groups) {
      const others = groups.filter(other => other !== group).flat();
      if (others.length === 0) continue;
      const sources = others.map(name => this.address(name)).join(',');
      for (const name of group) {
        this.#parted.add(name);
        // What arrives is thrown away, without a word: a cable that is out, not a router that says so.
        await this.inside(name, ['iptables', '-w', '-A', 'INPUT', '-s', sources, '-j', 'DROP']);
      }
    }
  }

  async heal(): Promise<void> {
    for (const name of this.#parted) await this.inside(name, ['iptables', '-w', '-F', 'INPUT']);
    this.#parted.clear();
  }

  async traffic(name: string): Promise<Traffic> {
    const [up, down] = await Promise.all([
      this.#counters(nameOf(this.#key, name), LINK),
      this.#counters(nameOf(this.#key, SWITCH), portOf(name)),
    ]);
    return { upBytes: up.bytes, downBytes: down.bytes, drops: up.drops + down.drops };
  }

  /** Runs a command to its end in a namespace; its standard output. */
  async inside(name: string, command: readonly string[]): Promise<string> {
    const options = { timeout: COMMAND_TIMEOUT_MS, env: ENVIRONMENT };
    const { stdout } = await run('nsenter', [`--net=${this.path(name)}`, ...command], options);
    return stdout;
  }

  /** Every namespace, and with it links and rules. What runs inside must have ended. */
  async remove(): Promise<void> {
    await removeNamespaces(name => name.startsWith(`${nameOf(this.#key)}-`));
    this.#addresses.clear();
  }

  async #make({ nodes, mbit, registryMbit = mbit }: NetworkPlan): Promise<void> {
    const center = nameOf(this.#key, SWITCH);
    await ip('netns', 'add', center);
    await ip('-n', center, 'link', 'add', 'name', BRIDGE, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
    await ip('-n', center, 'link', 'set', 'dev', BRIDGE, 'mtu', `${MTU}`, 'up');
    await this.#attach(REGISTRY, '10.77.0.1');
    await this.#attach(CONTROL, '10.77.0.2');
    for (const [index, name] of nodes.entries()) {
      await this.#attach(name, `10.77.${(index + 11) >> 8}.${(index + 11) & 255}`);
      await this.setRate(name, mbit);
    }
    await this.setRate(REGISTRY, registryMbit);
  }

  async #attach(name: string, address: string): Promise<void> {
    const [space, center, port] = [nameOf(this.#key, name), nameOf(this.#key, SWITCH), portOf(name)];
    await ip('netns', 'add', space);
    await ip('-n', space, 'link', 'set', 'dev', 'lo', 'up');
    const veth = ['name', LINK, 'mtu', `${MTU}`, 'type', 'veth', 'peer', 'name', port, 'netns', center];
    await ip('-n', space, 'link', 'add', ...veth);
    await ip('-n', center, 'link', 'set', 'dev', port, 'mtu', `${MTU}`, 'master', BRIDGE, 'up');
    await ip('-n', space, 'addr', 'add', `${address}/16`, 'dev', LINK);
    await ip('-n', space, 'link', 'set', 'dev', LINK, 'up');
    // A namespace may not choose the default; a route may. bbr, where it is the default, resends a tenth on such links.
    const route = ['10.77.0.0/16', 'dev', LINK, 'src', address, 'congctl', 'cubic'];
    await ip('-n', space, 'route', 'replace', ...route);
    this.#addresses.set(name, address);
    await this.inside(name, ['sh', '-c', SETTINGS]);
  }

  /** tbf counts frames with their headers, so the rate is that of the frames that carry the payload. */
  async #tc(name: string, mbit: number, where: readonly string[], device: string): Promise<void> {
    if (!(mbit > 0)) throw new Error(`rate of ${name}: expected above 0, got ${mbit} Mbit/s`);
    const bits = Math.round((mbit * 1e6 * FRAME_BYTES) / PAYLOAD_BYTES);
    const limit = Math.round((bits / 8) * (QUEUE_MS / 1000)) + BURST_BYTES;
    const shape = ['rate', `${bits}bit`, 'burst', `${BURST_BYTES}`, 'limit', `${limit}`];
    const command = [...where, 'qdisc', 'replace', 'dev', device, 'root', 'tbf', ...shape];
    await run('tc', command, { timeout: COMMAND_TIMEOUT_MS });
  }

  async #counters(space: string, device: string): Promise<{ bytes: number; drops: number }> {
    const command = ['-n', space, '-s', '-j', 'qdisc', 'show', 'dev', device];
    const { stdout } = await run('tc', command, { timeout: COMMAND_TIMEOUT_MS });
    const shapers: { kind: string; bytes?: number; drops?: number }[] = JSON.parse(stdout);
    const { bytes = 0, drops = 0 } = shapers.find(({ kind }) => kind === 'tbf') ?? {};
    return { bytes, drops };
  }
}

/** Payload that these bytes of full frames carry: comparable with the size of what was sent. */
export function payloadOf(frameBytes: number): number {
  return (frameBytes * PAYLOAD_BYTES) / FRAME_BYTES;
}

/** Deletes the namespaces whose names are wanted, after ending what still runs in them. */
export async function removeNamespaces(isWanted: (name: string) => boolean): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'], { timeout: COMMAND_TIMEOUT_MS });
  const names = stdout.split('\n').map(line => line.split(' ')[0] ?? '');
  for (const name of names.filter(isWanted)) {
    const { stdout: pids } = await run('ip', ['netns', 'pids', name], { timeout: COMMAND_TIMEOUT_MS });
    for (const pid of pids.split('\n').filter(line => line !== '')) kill(Number(pid));
    await ip('netns', 'del', name);
  }
}

export async function namespaces(): Promise<string[]> {
  const { stdout } = await run('ip', ['netns', 'list'], { timeout: COMMAND_TIMEOUT_MS });
  return stdout
    .split('\n')
    .map(line => line.split(' ')[0] ?? '')
    .filter(name => name !== '');
}

const SETTINGS = [
  `echo ${NOTSENT_LOWAT} > /proc/sys/net/ipv4/tcp_notsent_lowat`,
  'echo 0 > /proc/sys/net/ipv4/tcp_slow_start_after_idle',
  'echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save',
].join(' && ');

/** In the switch's namespace; names of interfaces have at most 15 characters. */
function portOf(name: string): string {
  return `p-${name}`.slice(0, 15);
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', [...args], { timeout: COMMAND_TIMEOUT_MS });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
