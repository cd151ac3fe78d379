// shoal ps: what is mounted, and how much of it had to be fetched.

import type { CommandContext } from '../command.ts';
import { findDaemon } from '../daemon-launch.ts';
import { bytes, printJson, printLine, printTable } from '../output.ts';

export async function ps(context: CommandContext): Promise<void> {
  const daemon = await findDaemon(context);
  const mounts = daemon ? await daemon.list({ signal: context.signal }) : [];
  if (context.settings.json) return printJson(mounts);
  if (mounts.length === 0) return printLine('nothing is mounted');
  printTable(
    ['IMAGE', 'MOUNTPOINT', 'DRIVER', 'SIZE', 'FETCHED', 'REQUESTS', 'HITS', 'MISSES', 'WAITING'],
    mounts.map(({ reference, mountpoint, driver, writable, stats }) => [
      reference,
      mountpoint,
      writable ? `${driver},rw` : driver,
      bytes(stats.totalBytes),
      bytes(stats.fetchedBytes),
      String(stats.requests),
      String(stats.hits),
      String(stats.misses),
      String(stats.waiting),
    ]),
    ['SIZE', 'FETCHED', 'REQUESTS', 'HITS', 'MISSES', 'WAITING'],
  );
}
