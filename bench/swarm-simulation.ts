// How near to the bound would the swarm come? The real code of peer/swarm over simulated links, in virtual time.
//   sh scripts/with-node.sh bench/swarm-simulation.ts [WORD...]    only rows whose name has one of the words
// Times are over max{F/us, F/dmin, N·F/(us+Σui)}; MiB times over F/us of that much. Links have no loss and share fairly.

import { Simulation, type SimulationOptions } from '../test/support/swarm-simulation/simulation.ts';

const MIB = 1024 * 1024;
const RATE = 2_500_000;
const SLOW = RATE / 8;
const SEEDS = [1, 2];

const rows: [string, Partial<SimulationOptions>, ((simulation: Simulation) => void)?][] = [
  ...[1, 2, 4, 8, 16].map((nodes): [string, Partial<SimulationOptions>] => [`bulk N=${nodes}`, { nodes }]),
  ['bulk N=64, 16 MiB', { nodes: 64, blobBytes: 16 * MIB }],
  ['bulk N=256, 8 MiB', { nodes: 256, blobBytes: 8 * MIB }],
  ...[4, 8, 16].map((nodes): [string, Partial<SimulationOptions>] => [
    `flash N=${nodes}`,
    { nodes, demandedBytes: 8 * MIB },
  ]),
  // As bench/swarm.ts does it: nothing but 8 MiB, all of them asked for at once.
  ...[4, 8, 16].map((nodes): [string, Partial<SimulationOptions>] => [
    `only 8 MiB N=${nodes}`,
    { nodes, blobBytes: 8 * MIB, demandedBytes: 8 * MIB, demandsAtOnce: 8, readsAtOnce: 0 },
  ]),
  ...[1, 2, 4, 8, 16, 33].map((nodes): [string, Partial<SimulationOptions>] => [
    `program N=${nodes}`,
    { nodes, programReads: 100, readsAtOnce: 0 },
  ]),
  // 2.5 Mbit/s everywhere, and a queue in front of each uplink: what is only slow is not to be taken for broken.
  ...[4, 8].map((nodes): [string, Partial<SimulationOptions>] => [
    `program, slow links N=${nodes}`,
    { nodes, programReads: 60, readsAtOnce: 0, originRate: SLOW, up: () => SLOW, down: () => SLOW, behindBulkMs: 100 },
  ]),
  ['program N=64', { nodes: 64, programReads: 100, readsAtOnce: 0 }],
  ['program, late joiner N=8', { programReads: 100, readsAtOnce: 0, startMs: node => (node === 7 ? 10_000 : 0) }],
  ['program, one ahead N=8', { programReads: 100, readsAtOnce: 0, startMs: node => (node === 0 ? 0 : 2_000) }],
  ['program, slow uplink N=8', { programReads: 100, readsAtOnce: 0, up: node => (node === 3 ? RATE / 10 : RATE) }],
  ['flash N=64, 16 MiB', { nodes: 64, blobBytes: 16 * MIB, demandedBytes: 8 * MIB }],
  ['origin twice as fast N=8', { originRate: 2 * RATE }],
  ['uplinks full and half N=8', { up: node => (node % 2 ? RATE / 2 : RATE) }],
  ['uplinks 1:4 N=8', { up: node => (node % 2 ? RATE / 4 : RATE) }],
  ['one uplink of a tenth N=8', { up: node => (node === 3 ? RATE / 10 : RATE) }],
  ['late joiner N=8', { startMs: node => (node === 7 ? 8_000 : 0) }],
  ['later joiner N=8', { startMs: node => (node === 7 ? 30_000 : 0) }],
  ['started within 2 s N=8', { startMs: node => node * 285 }],
  ['latency 20 ms N=8', { latencyMs: 20 }],
  ['no table N=8', { hasTable: false }],
  ['one dies N=8', {}, simulation => simulation.clock.after(5_000, () => kill(simulation, 2))],
  ['one silent N=8', {}, simulation => simulation.clock.after(3_000, () => silence(simulation, 2))],
  ['scheduler gone and back N=8', {}, simulation => restart(simulation)],
];

function kill(simulation: Simulation, index: number): void {
  simulation.nodes[index]?.die();
  simulation.clock.after(20, () => simulation.scheduler.lose(`node${index}`));
}

function silence(simulation: Simulation, index: number): void {
  const node = simulation.nodes[index];
  if (node !== undefined) node.faults.isSilent = true;
}

function restart(simulation: Simulation): void {
  simulation.clock.after(4_000, () => simulation.scheduler.stop());
  simulation.clock.after(8_000, () => simulation.scheduler.start());
}

const words = process.argv.slice(2);
console.log(
  '                              p50    max   origin/F  wasted  moves  hedges  uplinks  MiB 1, 2 … over F/us of each      s',
);
for (const [name, options, prepare] of rows) {
  if (words.length > 0 && !words.some(word => name.includes(word))) continue;
  for (const seed of SEEDS) {
    const began = performance.now();
    const simulation = new Simulation({ ...options, seed });
    prepare?.(simulation);
    const result = await simulation.run();
    const { originRate, nodes } = simulation.options;
    const { neededBytes } = simulation;
    const times = result.finishMs.map(ms => ms / result.boundMs).sort((a, b) => a - b);
    const cells = [
      name.padEnd(28),
      (times[times.length >> 1] ?? Number.NaN).toFixed(3),
      (times.at(-1) ?? Number.NaN).toFixed(3),
      (result.originBytes / neededBytes).toFixed(3).padStart(8),
      `${((100 * result.wastedBytes) / (nodes * neededBytes)).toFixed(1)} %`.padStart(7),
      String(result.moves).padStart(6),
      String(result.hedges).padStart(6),
      result.busiestUplink.toFixed(2).padStart(7),
      result.demandedMs
        .map((ms, mib) => (ms / (((mib + 1) * MIB * 1000) / originRate)).toFixed(2))
        .join(' ')
        .padEnd(40),
      ((performance.now() - began) / 1000).toFixed(1).padStart(5),
    ];
    console.log(
      cells.join('  '),
      simulation.readErrors.length > 0 ? `${simulation.readErrors.length} reads given back` : '',
    );
  }
}
