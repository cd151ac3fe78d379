// shoal daemon: the node's server process, in the foreground, or in the place of one that runs; shoal daemon stop; shoal
// daemon holder, what keeps its mounts alive without it.

import { readFileSync } from 'node:fs';
import { ShoalError, systemClock } from '../../core/index.ts';
import { type DaemonInfo, keepingProblem, loadHolder, loadServer, pidNamespace } from '../../daemon/index.ts';
import { makeDirectory } from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';
import { composeDaemon } from '../compose.ts';
import { findDaemon, ROOT_MODE, requireDaemon } from '../daemon-launch.ts';
import { superviseDaemon } from '../supervise.ts';
import { VERSION } from '../version.ts';

/** `stop` itself has a deadline below this one; beyond it the daemon is stuck in the kernel. */
const GONE_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

export interface DaemonCommandOptions {
  readonly exitWhenIdle?: boolean;
  /** In the place of one that runs, whose mounts go on. */
  readonly takeover?: boolean;
  /** Start one again that dies. */
  readonly supervise?: boolean;
  /** The same for the one that runs, and nothing else. */
  readonly lookAfter?: boolean;
  /** It is one of these that has been started again. */
  readonly restarted?: boolean;
}

export async function runDaemon(context: CommandContext, options: DaemonCommandOptions): Promise<void> {
  if (options.supervise || options.lookAfter) {
    return await superviseDaemon(context, { onlyRunning: options.lookAfter ?? false });
  }
  const { settings, log, signal } = context;
  const server = await loadServer();
  const { exitWhenIdle = false, restarted = false } = options;
  const daemon = composeDaemon(server, context, { exitWhenIdle, isAwaited: !restarted });
  await makeDirectory(settings.root, `--root ${settings.root}`, ROOT_MODE);
  const handedOver = options.takeover === true && (await takeOver(context));
  const stop = () => {
    daemon.stop().catch(() => {}); // told through `ended`
  };
  const listen = () =>
    server.startControlApi(
      {
        mounter: daemon,
        metrics: () => daemon.metrics(),
        swarm: () => daemon.swarm(),
        clock: systemClock,
        log,
        onStop: stop,
        handOver: () => daemon.handOver(),
        onHandedOver: () => server.endAtOnce(), // threads block in read(2)
      },
      { socket: settings.controlSocket, version: VERSION },
    );
  await daemon.start({ handedOver, listen });
  // Not earlier: a stop that does not know the socket leaves it there.
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  log.info('daemon is ready', { root: settings.root, pid: process.pid });
  context.registry.prepare().catch(() => {}); // the first mount says why
  // What the configuration says is what most mounts will be by.
  if (settings.driver === 'auto' || settings.driver === 'erofs') void daemon.prepare();
  try {
    await daemon.ended;
  } catch {
    server.endAtOnce(); // a thread hangs in the kernel
  }
  await context.registry.close();
}

/** Asks the daemon that runs, if one does, to make room. True: it is about to end. */
async function takeOver(context: CommandContext): Promise<boolean> {
  const problem = keepingProblem();
  if (problem !== undefined) throw new ShoalError('unsupported', `takeover: ${problem}`);
  const running = await findDaemon(context);
  await running?.handOver({ signal: context.signal });
  return running !== undefined;
}

/**
 * Keeps the connections of the mounts of this root's daemons, in the foreground, until it is killed: for daemons that come
 * and go in containers, where one that they start would go with them.
 */
export async function runDaemonHolder(context: CommandContext): Promise<void> {
  const { root } = context.settings;
  const problem = keepingProblem();
  if (problem !== undefined) throw new ShoalError('unsupported', `holder: ${problem}`);
  await makeDirectory(root, `--root ${root}`, ROOT_MODE);
  process.chdir(root);
  // It blocks this thread in poll(2), where no handler of a signal would ever run.
  for (const name of ['SIGINT', 'SIGTERM']) process.removeAllListeners(name);
  (await loadHolder()).runHolder({ stays: true });
}

/** Resolves when the daemon is gone. */
export async function daemonStop(context: CommandContext): Promise<void> {
  const daemon = await requireDaemon(context);
  const info = await daemon.info({ signal: context.signal });
  await daemon.stop({ signal: context.signal });
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(GONE_TIMEOUT_MS)]);
  // Of one in a container only the socket can be seen: it closes when all is unmounted.
  const isThere = () =>
    info.pidNamespace === pidNamespace() ? isAlive(info.pid) : isAnswering({ ...context, signal });
  while (await isThere()) await systemClock.sleep(POLL_MS, { signal });
}

async function isAnswering(context: CommandContext): Promise<boolean> {
  return (await findDaemon(context)) !== undefined;
}

/** A zombie that nobody reaps has ended, too. */
function isAlive(pid: DaemonInfo['pid']): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
