// Starts an image on N nodes again and again, each time with something else going wrong, and says whether every byte was
// right and every read within its rule. Seeded: the same seed draws the same victims, moments and lengths.
//
//   sh scripts/with-node.sh scripts/chaos.ts [--seed N] [--nodes 8] [--only NAME,…] [--no-peers] [--mbit 40] [--mib 12]
//       [--logs DIRECTORY] [--json]
//
// Exit code 1 when a verdict is bad. Needs root, docker-registry, skopeo, iproute2, iptables, python3.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printLine, printTable, seconds } from '../cli/output.ts';
import { NODE_SCENARIOS } from '../test/chaos/node-scenarios.ts';
import { ORIGIN_SCENARIOS } from '../test/chaos/origin-scenarios.ts';
import { PEER_SCENARIOS } from '../test/chaos/peer-scenarios.ts';
import { type Played, play, type Theatre } from '../test/chaos/runner.ts';
import { buildSwarmImage } from '../test/support/swarm/image.ts';
import { REGISTRY } from '../test/support/swarm/network.ts';
import { OriginProxy } from '../test/support/swarm/origin-proxy.ts';
import { OriginRegistry } from '../test/support/swarm/registry.ts';
import { type TestBed, withTestBed } from '../test/support/swarm/test-bed.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    nodes: { type: 'string', default: '8' },
    only: { type: 'string' },
    peers: { type: 'boolean', default: true },
    mbit: { type: 'string', default: '40' },
    /** Compressed size of the image. */
    mib: { type: 'string', default: '12' },
    /** Where the logs of each scenario are kept. */
    logs: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const IMAGE_SEED = 2;
/** The registry's own, behind the proxy. */
const HIDDEN_PORT = 5001;
/** Longer than any trouble and its aftermath together. */
const PATIENCE_MS = 120_000;

const SCENARIOS = [...NODE_SCENARIOS, ...ORIGIN_SCENARIOS, ...PEER_SCENARIOS];
const [CALM] = SCENARIOS;

function number(name: 'seed' | 'nodes' | 'mbit' | 'mib'): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} ${values[name]}: expected a number above 0`);
}

function chosen(): typeof SCENARIOS {
  const possible = SCENARIOS.filter(({ needsPeers }) => values.peers || !needsPeers);
  if (values.only === undefined) return possible.filter(scenario => scenario !== CALM);
  return values.only.split(',').map(name => {
    const scenario = possible.find(one => one.name === name);
    if (scenario) return scenario;
    throw new Error(`--only ${name}: expected some of ${possible.map(one => one.name).join(', ')}`);
  });
}

const [seed, count, mbit, mib] = [number('seed'), number('nodes'), number('mbit'), number('mib')];
const scenarios = chosen();

async function openTheatre(bed: TestBed): Promise<Theatre> {
  const { network, directory } = bed;
  const place = { network, directory: join(directory, 'registry') };
  const registry = await OriginRegistry.start(place, { behind: HIDDEN_PORT });
  bed.onEnd(() => registry.stop());
  const target = { host: '127.0.0.1', port: HIDDEN_PORT };
  const proxy = await OriginProxy.start(network, { listen: registry.address, target, seed });
  bed.onEnd(() => proxy.stop());
  const { reference: source, files } = await buildSwarmImage(join(directory, 'image'), { mib, seed: IMAGE_SEED });
  const reference = await registry.take(source, 'chaos');
  const { layers } = await registry.manifest('chaos');
  const oneAfterTheOther = (count * mib * (1 << 20)) / ((mbit * 1e6) / 8);
  return {
    bed,
    registry,
    proxy,
    image: { reference, files, layers },
    seed,
    hasPeers: values.peers,
    logs: values.logs,
    limitMs: PATIENCE_MS + 2 * oneAfterTheOther * 1000,
  };
}

async function main(bed: TestBed): Promise<Played[]> {
  const theatre = await openTheatre(bed);
  if (!CALM) throw new Error('no calm scenario');
  const results: Played[] = [];
  // First, whatever was chosen: how long reads wait when nothing is wrong.
  for (const scenario of [CALM, ...scenarios.filter(one => one !== CALM)]) {
    const played = await play(theatre, scenario, results[0]?.longestWaitMs ?? Number.POSITIVE_INFINITY);
    results.push(played);
    // At once, and all of it: a run that is ended early has not been in vain.
    process.stderr.write(`${rowOf(played).join('  ')}\n${played.faults.map(fault => `  ${fault}\n`).join('')}`);
  }
  return results;
}

function rowOf(played: Played): string[] {
  const { scenario, about, faults, finishMs, longestWaitMs, undueWaitMs, recoveryMs, originRatio, banned } = played;
  return [
    scenario,
    about,
    faults.length === 0 ? 'well' : `${faults.length} faults`,
    seconds(finishMs),
    seconds(longestWaitMs),
    seconds(undueWaitMs),
    recoveryMs === undefined ? '' : seconds(recoveryMs),
    originRatio.toFixed(2),
    banned.join(' '),
  ];
}

function print(results: readonly Played[]): void {
  const head = [
    'SCENARIO',
    'WHAT GOES WRONG',
    'VERDICT',
    'FINISH',
    'LONGEST WAIT',
    'UNDUE',
    'RECOVERY',
    'ORIGIN',
    'BANNED',
  ];
  const rows = results.map(rowOf);
  printTable(head, rows, head.slice(3));
  printLine(`seed ${seed}, ${count} nodes, ${mbit} Mbit/s, ${values.peers ? 'with peers' : 'without peers'}`);
}

process.stderr.write(`chaos: seed ${seed}, ${REGISTRY} behind a proxy, ${count} nodes\n`);
const results = await withTestBed({ nodes: count, mbit }, main);
if (values.json) printJson({ seed, nodes: count, mbit, peers: values.peers, results });
else print(results);
if (results.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
