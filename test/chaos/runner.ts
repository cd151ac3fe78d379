// Plays one scenario from daemons on empty roots to the verdict, and clears the stage.

import { join } from 'node:path';
import { isDigest } from '../../core/index.ts';
import { Cluster } from '../support/swarm/cluster.ts';
import { EvilProcess } from '../support/swarm/evil-process.ts';
import type { EvilBlob } from '../support/swarm/evil-tasks.ts';
import { keepLogs } from '../support/swarm/logs.ts';
import { payloadOf, REGISTRY } from '../support/swarm/network.ts';
import type { SwarmNode } from '../support/swarm/node.ts';
import type { OriginProxy } from '../support/swarm/origin-proxy.ts';
import { monotonicMs, within } from '../support/swarm/processes.ts';
import { SeededRandom } from '../support/swarm/random.ts';
import type { OriginRegistry } from '../support/swarm/registry.ts';
import type { TestBed } from '../support/swarm/test-bed.ts';
import { RealStage } from './real-stage.ts';
import type { Scenario } from './scenario.ts';
import { judge, type Verdict } from './verdict.ts';

export interface Theatre {
  readonly bed: TestBed;
  readonly registry: OriginRegistry;
  readonly proxy: OriginProxy;
  readonly image: {
    readonly reference: string;
    readonly files: Readonly<Record<string, string>>;
    readonly layers: readonly { readonly digest: string; readonly size: number }[];
  };
  readonly seed: number;
  readonly hasPeers: boolean;
  /** A scenario that takes longer has failed, ms. */
  readonly limitMs: number;
  /** Where the logs of each scenario are kept. */
  readonly logs?: string | undefined;
}

export interface Played extends Verdict {
  readonly scenario: string;
  readonly about: string;
  /** From time 0 until every judged node had read everything. */
  readonly finishMs: number;
  /** What the origin's link carried, as payload, over the image's compressed bytes. */
  readonly originRatio: number;
  /** Peers that somebody has banned at the end. */
  readonly banned: readonly string[];
}

/** `calmWaitMs`: the longest wait of a calm start on the same stage; infinite for the calm start itself. */
export async function play(theatre: Theatre, scenario: Scenario, calmWaitMs: number): Promise<Played> {
  const { bed, registry, proxy, image, hasPeers } = theatre;
  const imageBytes = image.layers.reduce((sum, { size }) => sum + size, 0);
  const cluster = hasPeers ? await Cluster.start(bed.network, join(bed.directory, 'cluster')) : undefined;
  const names = scenario.evil === undefined ? bed.names : bed.names.slice(0, -1);
  const nodes = names.map(name => bed.node(name, { registry, cluster, backgroundFill: false }));
  const stage = new RealStage({
    network: bed.network,
    proxy,
    cluster,
    nodes,
    random: new SeededRandom(theatre.seed + hash(scenario.name)),
    reference: image.reference,
    imageBytes,
    fileCount: Object.keys(image.files).length,
  });
  let evil: EvilProcess | undefined;
  try {
    await scenario.prepare?.(stage);
    for (const node of nodes) await node.start();
    await cluster?.untilNodes(nodes.length);
    evil = await startEvil(theatre, scenario, cluster);
    await stage.startReaders();
    const before = await bed.network.traffic(REGISTRY);
    const start = monotonicMs();
    const failure = await within(
      theatre.limitMs,
      Promise.all([stage.readAll(), scenario.play(stage)]),
      scenario.name,
    ).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const finishMs = monotonicMs() - start;
    const after = await bed.network.traffic(REGISTRY);
    const records = stage.records();
    const judged = nodes.filter(({ name }) => records.some(({ node }) => node === name));
    const crashes = crashed(judged, cluster);
    const banned = await bannedBy(cluster, judged);
    const verdict = judge({
      records,
      expected: image.files,
      troubles: stage.troubles(),
      calmWaitMs,
      graceMs: scenario.graceMs,
      banned,
      evil: evil && { peerId: evil.peerId, isLiar: LIARS.has(scenario.name) },
    });
    return {
      scenario: scenario.name,
      about: scenario.about,
      ...verdict,
      faults: [...(failure === undefined ? [] : [failure]), ...crashes, ...verdict.faults, ...idleness(scenario, evil)],
      finishMs,
      originRatio: payloadOf(after.upBytes - before.upBytes) / imageBytes,
      banned: banned.map(peerId => (peerId === evil?.peerId ? 'evil' : peerId)),
    };
  } finally {
    await stage.end();
    if (theatre.logs !== undefined) await keepLogs(join(theatre.logs, scenario.name), { nodes, cluster });
    await evil?.stop({ network: bed.network, link: lastOf(bed.names) });
    await bed.network.heal();
    await proxy.set();
    await Promise.all(nodes.map(node => node.remove()));
    await cluster?.stop();
  }
}

/** A run in which the evil peer did nothing shows nothing. Whoever serves shows what it did by its ban. */
function idleness({ evil: malice }: Scenario, evil: EvilProcess | undefined): string[] {
  return malice === 'never-reads' && evil?.asked === 0 ? ['the peer that never reads asked nobody for anything'] : [];
}

/** Who is slow is only avoided; who lies is banned. */
const LIARS: ReadonlySet<string> = new Set(['wrong-bytes', 'lying-bitmap']);

/** Every scenario leaves the judged daemons and the scheduler running. */
function crashed(nodes: readonly SwarmNode[], cluster: Cluster | undefined): string[] {
  const ended = nodes.filter(node => node.hasEnded).map(({ name }) => `the daemon of ${name}`);
  if (cluster?.hasSchedulerEnded === true) ended.push('the scheduler');
  return ended.map(who => `${who} has ended`);
}

async function bannedBy(cluster: Cluster | undefined, nodes: readonly SwarmNode[]): Promise<string[]> {
  const running = nodes.filter(node => !node.hasEnded);
  return (await cluster?.banned(running.map(({ root }) => root))) ?? [];
}

async function startEvil(
  { bed, image }: Theatre,
  { evil: malice }: Scenario,
  cluster: Cluster | undefined,
): Promise<EvilProcess | undefined> {
  if (malice === undefined || cluster === undefined) return undefined;
  const { network, directory } = bed;
  // The bootstrap, which is last, is not shared.
  const blobs = image.layers
    .slice(0, -1)
    .flatMap(({ digest, size }): EvilBlob[] => (isDigest(digest) ? [{ digest, size }] : []));
  return EvilProcess.start({ network, cluster, directory }, { link: lastOf(bed.names), malice, blobs });
}

function lastOf(names: readonly string[]): string {
  return names.at(-1) ?? '';
}

/** So that a scenario plays the same whichever others are played. */
function hash(name: string): number {
  let sum = 0;
  for (const character of name) sum = (Math.imul(sum, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}
