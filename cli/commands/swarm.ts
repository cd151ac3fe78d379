// shoal peers and shoal tasks: what this node's daemon knows of its swarm. Names of images are here only: they do not leave
// the machine.

import { systemClock } from '../../core/index.ts';
import type { SwarmReport } from '../../daemon/index.ts';
import type { CommandContext } from '../command.ts';
import { requireDaemon } from '../daemon-launch.ts';
import { bytes, left, percent, printJson, printLine, printTable } from '../output.ts';

export async function peers(context: CommandContext): Promise<void> {
  const report = await swarmOf(context);
  if (context.settings.json) {
    const { tasks: _, ...rest } = report;
    printJson(rest);
  } else {
    printNode(report);
    printPeers(report);
  }
}

export async function tasks(context: CommandContext): Promise<void> {
  const report = await swarmOf(context);
  if (context.settings.json) printJson(report.tasks);
  else if (report.tasks.length === 0) printLine('nothing is shared');
  else printTasks(report);
}

async function swarmOf(context: CommandContext): Promise<SwarmReport> {
  const daemon = await requireDaemon(context);
  return daemon.swarm({ signal: context.signal });
}

function printNode({ peerId, addresses, certificateExpiresAt, schedulers }: SwarmReport): void {
  const now = systemClock.now();
  printLine(`this node: ${peerId} at ${addresses.join(', ') || 'no address'}`);
  printLine(`member for: ${left(certificateExpiresAt, now)}`);
  for (const { peerId: scheduler, address, state } of schedulers) {
    printLine(`scheduler: ${scheduler} at ${address}, ${state}`);
  }
  if (schedulers.length === 0) printLine('scheduler: none is configured');
  printLine();
}

function printPeers({ peers: all }: SwarmReport): void {
  if (all.length === 0) {
    printLine('no other node is connected');
    return;
  }
  const now = systemClock.now();
  printTable(
    ['PEER', 'ADDRESS', 'RECEIVED', 'NOW', 'SENT', 'NOW', 'WRONG', 'BANNED', 'MEMBER FOR'],
    all.map(peer => [
      peer.peerId,
      peer.address ?? 'not connected',
      bytes(peer.receivedBytes),
      `${bytes(peer.receivedPerSecond)}/s`,
      bytes(peer.sentBytes),
      `${bytes(peer.sentPerSecond)}/s`,
      String(peer.wrongPieces),
      peer.bannedUntil === undefined ? '-' : `${left(peer.bannedUntil, now)}: ${peer.banReason ?? 'no reason given'}`,
      peer.certificateExpiresAt === undefined ? '-' : left(peer.certificateExpiresAt, now),
    ]),
    ['RECEIVED', 'NOW', 'SENT', 'WRONG'],
  );
}

/** As many letters of a task's name as logs and pages show. */
const SHOWN_ID = 16;

function printTasks({ tasks: all }: SwarmReport): void {
  printTable(
    ['TASK', 'BLOB', 'IMAGES', 'PIECES', 'HERE', 'AS CHUNKS', 'PEERS', 'LEASES', 'SCHEDULER'],
    all.map(task => [
      task.taskId.slice(0, SHOWN_ID),
      task.digest,
      task.images.join(', ') || '-',
      `${task.pieces} of ${task.pieceCount}`,
      percent(task.pieceCount === 0 ? 1 : task.pieces / task.pieceCount),
      String(task.chunkPieces),
      String(task.peers),
      String(task.leases),
      task.scheduled ? 'yes' : 'no',
    ]),
    ['PIECES', 'HERE', 'AS CHUNKS', 'PEERS', 'LEASES'],
  );
}
