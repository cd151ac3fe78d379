// A member of the cluster that does harm: its own process, on the real transport, with the certificate of an ordinary node.
// Started by the chaos runs in the namespace of a link of its own (see EvilProcess in evil-process.ts).

import type { Digest } from '../../../core/index.ts';
import type {
  ParentEvents,
  PeerAddress,
  PeerNetwork,
  ScheduledEvents,
  Schedulers,
  ServedTasks,
} from '../../../peer/ports.ts';
import { taskIdOf } from '../../../proto/index.ts';
import { type EvilPlan, evilPlan } from './evil-plan.ts';
import { type EvilBlob, EvilTask, EvilTasks } from './evil-tasks.ts';
import { TrickleRelay } from './trickle-relay.ts';

/** What a program needs of the peer folder to be a member. */
export interface PeerParts {
  /** Listens and serves `tasks`. */
  startNetwork(plan: EvilPlan, tasks: ServedTasks): Promise<PeerNetwork>;
  /** Joins tasks at the schedulers of the plan. */
  connectSchedulers(plan: EvilPlan, network: PeerNetwork): Promise<Schedulers>;
}

/** The one place that knows how the peer folder's parts are put together. */
async function peerParts(): Promise<PeerParts> {
  throw new Error('the peer folder has no transport yet');
}

/** What passes freely until a task is open: handshakes, introductions, bitmaps. Less than one piece. */
const FREE_BYTES = 32 << 10;
const SECOND_MS = 1_000;
/** Enough for its requests to have left. */
const ASKING_MS = 2_000;

async function main(plan: EvilPlan): Promise<void> {
  const parts = await peerParts();
  const tasks = new EvilTasks(plan.blobs, plan.malice);
  const network = await parts.startNetwork(plan, tasks);
  if (plan.malice === 'one-byte') {
    const target = { host: plan.address, port: plan.port };
    await new TrickleRelay({ target, freeBytes: FREE_BYTES, everyMs: SECOND_MS }).start('0.0.0.0', plan.relayPort);
  }
  const schedulers = await parts.connectSchedulers(plan, network);
  for (const blob of plan.blobs) takePart(schedulers, network, blob, plan);
  process.send?.({ peerId: network.peerId });
  // From then on nobody reads what was asked for, and the kernel's buffers fill.
  if (plan.malice === 'never-reads') setTimeout(() => process.kill(process.pid, 'SIGSTOP'), ASKING_MS);
}

function takePart(schedulers: Schedulers, network: PeerNetwork, blob: EvilBlob, { malice }: EvilPlan): void {
  const { pieceCount, pieces, chunks } = new EvilTask(blob, malice);
  const taskId = taskIdOf(blob.digest);
  const task = { taskId, pieceCount, pieces, chunks, reachesOrigin: false };
  const events: ScheduledEvents = {
    ...DEAF,
    onParents(add) {
      if (malice !== 'never-reads') return;
      for (const peer of add) askForAll(network, peer, { digest: blob.digest, pieceCount });
    },
  };
  schedulers.join(task, events);
}

function askForAll(
  network: PeerNetwork,
  peer: PeerAddress,
  { digest, pieceCount }: { readonly digest: Digest; readonly pieceCount: number },
): void {
  const all = Array.from({ length: pieceCount }, (_, piece) => piece);
  const events: ParentEvents = {
    onOpened: () => task.request(all, { lane: 'demand', mayFetch: true }),
    onDenied: () => {},
    onHave: () => {},
    onLost: () => {},
    onPiece: () => {},
    onRefused: () => {},
    onQueue: () => {},
    onDown: () => {},
  };
  const task = network.link(peer).open({ taskId: taskIdOf(digest), digest, pieceCount }, events);
}

/** It does nothing of what the scheduler says. */
const DEAF: ScheduledEvents = {
  onUp: () => {},
  onDown: () => {},
  onParents: () => {},
  onLease: () => {},
  onLessee: () => {},
  onBan: () => {},
  onOriginHold: () => {},
};

if (import.meta.main) await main(evilPlan.parse(JSON.parse(process.argv[2] ?? '')));
