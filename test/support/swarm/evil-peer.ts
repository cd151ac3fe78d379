// A member of the cluster that does harm: its own process, on the real transport, with the certificate of an ordinary node.
// Started by the chaos runs in the namespace of a link of its own (see EvilProcess in evil-process.ts).

import { join } from 'node:path';
import { type Digest, silentLogger, systemClock } from '../../../core/index.ts';
import { MemberNode, Membership, openIdentity, PeerTransport, SchedulerLinks } from '../../../peer/index.ts';
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
import { type EvilBlob, EvilTask, EvilTasks, type Malice } from './evil-tasks.ts';
import { TrickleRelay } from './trickle-relay.ts';

/** Listens, serves `tasks`, and speaks with the schedulers, as an ordinary member would. */
async function becomeMember(
  plan: EvilPlan,
  tasks: ServedTasks,
): Promise<{ network: PeerNetwork; schedulers: Schedulers }> {
  const ports = { clock: systemClock, log: silentLogger };
  const identity = await openIdentity(join(plan.root, 'peer'));
  const membership = await Membership.open({
    ...ports,
    peerId: identity.peerId,
    role: 'peer',
    clusterKeyFile: plan.clusterKeyFile,
    certificateFile: plan.certificateFile,
    revocationsFile: join(plan.root, 'peer', 'revocations'),
  });
  const listen = [`/ip4/${plan.address}/tcp/${plan.port}`];
  const node = await MemberNode.start({ ...ports, identity, membership, listen, dht: 'client' });
  const network = await PeerTransport.start({ ...ports, node, tasks, uploadSlots: UPLOAD_SLOTS });
  const schedulers = new SchedulerLinks(
    { ...ports, node: node.libp2p, load: () => network.load },
    {
      schedulers: plan.schedulers.map(address => ({ peerId: address.split('/').at(-1) ?? '', addresses: [address] })),
      name: 'evil',
      region: '',
      zone: '',
      rack: '',
      isSeed: false,
      uploadSlots: UPLOAD_SLOTS,
      version: '0',
    },
  );
  schedulers.start();
  return { network, schedulers };
}

const UPLOAD_SLOTS = 8;

/** What passes freely until a task is open: handshakes, introductions, bitmaps. Less than one piece. */
const FREE_BYTES = 32 << 10;
const SECOND_MS = 1_000;
/** After the first parent has let it in: enough for the others, and for its requests to have left. */
const ASKING_MS = 3_000;

async function main(plan: EvilPlan): Promise<void> {
  const tasks = new EvilTasks(plan.blobs, plan.malice);
  const { network, schedulers } = await becomeMember(plan, tasks);
  if (plan.malice === 'one-byte') {
    const target = { host: plan.address, port: plan.port };
    await new TrickleRelay({ target, freeBytes: FREE_BYTES, everyMs: SECOND_MS }).start('0.0.0.0', plan.relayPort);
  }
  const asked = new Set<string>();
  const onAsked = (peerId: string) => {
    // From then on nobody reads what was asked for, and the kernel's buffers fill.
    if (asked.size === 0) setTimeout(() => process.kill(process.pid, 'SIGSTOP'), ASKING_MS);
    asked.add(peerId);
    process.send?.({ asked: asked.size });
  };
  for (const blob of plan.blobs) takePart(schedulers, network, { blob, malice: plan.malice, onAsked });
  process.send?.({ peerId: network.peerId });
}

/** `onAsked`: a parent was asked for everything; only of one that never reads. */
interface Part {
  readonly blob: EvilBlob;
  readonly malice: Malice;
  readonly onAsked: (peerId: string) => void;
}

function takePart(schedulers: Schedulers, network: PeerNetwork, { blob, malice, onAsked }: Part): void {
  const { pieceCount, pieces, chunks } = new EvilTask(blob, malice);
  const taskId = taskIdOf(blob.digest);
  const task = { taskId, pieceCount, pieces, chunks, reachesOrigin: false };
  const events: ScheduledEvents = {
    ...DEAF,
    onParents(add) {
      if (malice !== 'never-reads') return;
      for (const peer of add) askForAll(network, peer, { digest: blob.digest, pieceCount, onAsked });
    },
  };
  schedulers.join(task, events);
}

function askForAll(
  network: PeerNetwork,
  peer: PeerAddress,
  { digest, pieceCount, onAsked }: { readonly digest: Digest; readonly pieceCount: number } & Pick<Part, 'onAsked'>,
): void {
  const all = Array.from({ length: pieceCount }, (_, piece) => piece);
  const events: ParentEvents = {
    onOpened: () => {
      task.request(all, { lane: 'demand', mayFetch: true });
      onAsked(peer.peerId);
    },
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
  onTrace: () => {},
  onBan: () => {},
  onOriginHold: () => {},
};

if (import.meta.main) await main(evilPlan.parse(JSON.parse(process.argv[2] ?? '')));
