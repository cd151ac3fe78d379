// shoal daemon: the node's server process, in the foreground; shoal daemon stop.

import { readFileSync } from 'node:fs';
import { systemClock } from '../../core/index.ts';
import { type DaemonInfo, loadServer } from '../../daemon/index.ts';
import { makeDirectory } from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';
import { composeDaemon } from '../compose.ts';
import { ROOT_MODE, requireDaemon } from '../daemon-launch.ts';
import { VERSION } from '../version.ts';

/** `stop` itself has a deadline below this one; beyond it the daemon is stuck in the kernel. */
const GONE_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

export async function runDaemon(context: CommandContext, options: { readonly exitWhenIdle?: boolean }): Promise<void> {
  const { settings, log, signal } = context;
  const server = await loadServer();
  const daemon = composeDaemon(server, context, { exitWhenIdle: options.exitWhenIdle ?? false });
  await makeDirectory(settings.root, `--root ${settings.root}`, ROOT_MODE);
  await daemon.start();
  const stop = () => {
    daemon.stop().catch(() => {}); // told through `ended`
  };
  const api = await server.startControlApi(
    {
      mounter: daemon,
      metrics: () => daemon.metrics(),
      swarm: () => daemon.swarm(),
      clock: systemClock,
      log,
      onStop: stop,
    },
    { socket: settings.controlSocket, version: VERSION },
  );
  // Closed before the root is let go: the next daemon's socket has the same path.
  daemon.attach(api);
  // Not earlier: a stop that does not know the socket leaves it there.
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  log.info('daemon is ready', { root: settings.root, pid: process.pid });
  context.registry.prepare().catch(() => {}); // the first mount says why
  void daemon.prepare();
  try {
    await daemon.ended;
  } catch {
    // A thread hangs in the kernel, where process.exit would wait for it for ever.
    process.kill(process.pid, 'SIGKILL');
  }
  await context.registry.close();
}

/** Resolves when the daemon is gone. */
export async function daemonStop(context: CommandContext): Promise<void> {
  const daemon = await requireDaemon(context);
  const { pid } = await daemon.info({ signal: context.signal });
  await daemon.stop({ signal: context.signal });
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(GONE_TIMEOUT_MS)]);
  while (isAlive(pid)) await systemClock.sleep(POLL_MS, { signal });
}

/** A zombie that nobody reaps has ended, too. */
function isAlive(pid: DaemonInfo['pid']): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
