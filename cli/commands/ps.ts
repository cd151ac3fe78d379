// shoal ps: what is mounted, how it does, how much of it had to be fetched, and what is being fetched now.
// shoal metrics: the same for Prometheus.

import { isShoalError, type MountInfo, systemClock } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { findDaemon, requireDaemon } from '../daemon-launch.ts';
import { age, bytes, driverWords, percent, printJson, printLine, printTable } from '../output.ts';

export interface PsOptions {
  /** Seconds between two looks; true: the default. */
  readonly watch?: number | true;
}

/** The daemon's rates are means over some seconds: a faster look shows little news. */
const WATCH_S = 2;

/** Cursor to the top left, everything below cleared (ECMA-48). */
const CLEAR_SCREEN = '\x1b[H\x1b[J';

export async function ps(context: CommandContext, { watch }: PsOptions): Promise<void> {
  if (watch === undefined) return print(context, await mounts(context));
  const pauseMs = (watch === true ? WATCH_S : watch) * 1000;
  try {
    for (;;) {
      const infos = await mounts(context);
      if (process.stdout.isTTY && !context.settings.json) process.stdout.write(CLEAR_SCREEN);
      print(context, infos);
      await systemClock.sleep(pauseMs, { signal: context.signal });
    }
  } catch (error) {
    // Ctrl-C is how a watch ends.
    if (!context.signal.aborted || !isShoalError(error, 'aborted')) throw error;
  }
}

export async function metrics(context: CommandContext): Promise<void> {
  const daemon = await requireDaemon(context);
  process.stdout.write(await daemon.metrics({ signal: context.signal }));
}

async function mounts(context: CommandContext): Promise<readonly MountInfo[]> {
  const daemon = await findDaemon(context);
  return daemon ? await daemon.list({ signal: context.signal }) : [];
}

function print(context: CommandContext, infos: readonly MountInfo[]): void {
  if (context.settings.json) {
    printJson(
      infos.map(info => ({
        ...info,
        stats: { ...info.stats, hitRatio: hitRatio(info) ?? null, presentPart: presentPart(info) },
      })),
    );
  } else if (infos.length === 0) {
    printLine('nothing is mounted');
  } else {
    printMounts(infos);
  }
}

const NUMBERS = ['HERE', 'CACHE', 'PEERS', 'ORIGIN', 'NOW', 'REQUESTS', 'READS', 'HITS', 'WAITING'];

function printMounts(infos: readonly MountInfo[]): void {
  printTable(
    ['IMAGE', 'MOUNTPOINT', 'DRIVER', 'STATE', 'SIZE', ...NUMBERS],
    infos.map(info => {
      const { reference, mountpoint, state, stats, resumedAt } = info;
      const resumed = resumedAt === undefined ? '' : `, resumed ${age(systemClock.now() - resumedAt)}`;
      const ratio = hitRatio(info);
      return [
        reference,
        mountpoint,
        info.writable ? `${driverWords(info)},rw` : driverWords(info),
        `${state.name} ${age(systemClock.now() - state.since)}${resumed}`,
        bytes(stats.totalBytes),
        percent(presentPart(info)),
        bytes(stats.cacheBytes),
        bytes(stats.peerBytes),
        bytes(stats.originBytes + stats.mirrorBytes),
        `${bytes(stats.bytesPerSecond)}/s`,
        `${stats.requests} (${stats.requestsPerSecond}/s)`,
        String(stats.hits + stats.misses),
        ratio === undefined ? '-' : percent(ratio),
        stats.waiting === 0 ? '0' : `${stats.waiting} (${age(stats.longestWaitMs)})`,
      ];
    }),
    ['SIZE', ...NUMBERS],
  );
  for (const { mountpoint, driverReason } of infos) {
    if (driverReason !== undefined) printLine(`${mountpoint}: this driver, because ${driverReason}`);
  }
}

/** How much of what the image's files hold is in the cache. */
function presentPart({ stats: { chunkBytes, presentBytes } }: MountInfo): number {
  return chunkBytes === 0 ? 1 : presentBytes / chunkBytes;
}

/** The part of the reads that found everything there. Undefined before the first read. */
function hitRatio({ stats: { hits, misses } }: MountInfo): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}
