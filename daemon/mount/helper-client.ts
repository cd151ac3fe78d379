// The daemon's side of the helper: the daemon itself never touches a mount (design §6 rule 1).

import pLimit, { type LimitFunction } from 'p-limit';
import { ShoalError } from '../../core/index.ts';
import { HelperProcess } from './helper-process.ts';
import type { HelperAnswer, HelperRequest } from './helper-protocol.ts';

/** At once: each is a Node process of some 40 MB, and a stopping daemon may have a hundred mounts. */
const MAX_HELPERS = 4;
/** Besides, for mounts whose image is on its way: so many have a process that waits; others start one for each step. */
const MAX_WAITING_HELPERS = 4;

/** An unmount that takes longer waits for something. */
const RESCUE_MS = 500;

type Order<Op extends HelperRequest['op']> = Omit<Extract<HelperRequest, { op: Op }>, 'op'>;

/** The steps of one mount. */
export interface MountSteps extends Disposable {
  /** The canonical path of a directory. Rejects with `not-found` when there is none. */
  inspect(path: string): Promise<{ readonly canonical: string; readonly isEmpty: boolean }>;
  /** Mounts the connection of the open /dev/fuse; returns the device, `major:minor`. */
  mountFuse(order: Order<'mount-fuse'>): Promise<string>;
  /** Mounts the connection of the open /dev/fuse nowhere; returns the device, `major:minor`. */
  mountDevices(order: Order<'mount-devices'>): Promise<string>;
  /** Next, and once the connection is served: mounts the bootstrap over the devices. */
  mountErofs(order: Order<'mount-erofs'>): Promise<void>;
  /** Reads from the connection before `mountErofs`, or from an EROFS that was mounted nowhere: the result of each range. */
  readFile(order: Order<'read-file'>): Promise<readonly ({ readonly bytes: Buffer } | { readonly errno: string })[]>;
  /** Mounts an overlay of the directory's `lower`, `upper` and `work`. */
  mountOverlay(order: Order<'mount-overlay'>): Promise<void>;
}

export class MountHelper {
  readonly #timeoutMs: number;
  readonly #few = pLimit(MAX_HELPERS);
  /** Those between two steps of a mount: they must not keep one from being undone. */
  readonly #kept = pLimit(MAX_HELPERS);
  /** Others may all wait for what this one ends. */
  readonly #rescuers = pLimit(1);
  #waiting = 0;

  constructor(options: { readonly timeoutMs: number }) {
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * For a mount of an open /dev/fuse, whose image may be still on its way: one process for all steps, which is there by
   * then. To be disposed of after the last step. The descriptor must stay open until `mountFuse` is over.
   */
  forMount(fuseFd: number): MountSteps {
    if (this.#waiting >= MAX_WAITING_HELPERS) return this.#withoutWaiting(fuseFd);
    this.#waiting++;
    const helper = new HelperProcess(this.#timeoutMs, fuseFd);
    const end = async (): Promise<void> => {
      await helper.end();
      this.#waiting--;
    };
    return stepsOf(
      request => helper.ask(request),
      () => void end(),
    );
  }

  /** As the step of a mount. */
  inspect(path: string): ReturnType<MountSteps['inspect']> {
    return stepsOf(request => this.#ask(request)).inspect(path);
  }

  /** Where these sources are mounted: for each that is, its mountpoints. */
  async find(sources: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const mounted = required((await this.#ask({ op: 'find', sources })).mounted);
    return new Map(
      Array.from(
        Map.groupBy(mounted, ({ source }) => source),
        ([source, entries]) => [source, entries.map(({ mountpoint }) => mountpoint)],
      ),
    );
  }

  /** As the step of a mount. */
  mountOverlay(order: Order<'mount-overlay'>): Promise<void> {
    return stepsOf(request => this.#ask(request)).mountOverlay(order);
  }

  /**
   * Unmounts what is ours at these mountpoints, in order. Rejects with `busy`. `connection`: the device of what is read
   * through a loop device. There an unmount waits for what the kernel reads ahead for nobody, perhaps for ever: the
   * connection is ended when the mount is gone from the table.
   */
  async unmount({
    connection,
    ...order
  }: Order<'unmount'> & { readonly connection?: string | undefined }): Promise<void> {
    let pid: number | undefined;
    const onStart = (helper: HelperProcess) => {
      pid = helper.pid;
    };
    const unmounted = this.#ask({ op: 'unmount', ...order }, { onStart });
    const rescue = setInterval(() => {
      if (connection === undefined || pid === undefined) return;
      const request = { op: 'free-unmount', device: connection, source: order.source, pid } as const;
      void this.#ask(request, { limit: this.#rescuers }).catch(() => {}); // tried again, as long as it waits
    }, RESCUE_MS);
    try {
      await unmounted;
    } finally {
      clearInterval(rescue);
    }
  }

  /**
   * Aborts and detaches whatever these sources have mounted. `cleaned` describes what there was, `stuck` are the sources
   * that something keeps from going (another mount on top).
   */
  async clean(
    sources: readonly string[],
  ): Promise<{ readonly cleaned: readonly string[]; readonly stuck: readonly string[] }> {
    const answer = await this.#ask({ op: 'clean', sources });
    return { cleaned: required(answer.cleaned), stuck: required(answer.stuck) };
  }

  /** Ends the connection of this open /dev/fuse, whose device that is, unless it has ended. */
  async abort(device: string, fuseFd: number): Promise<void> {
    await this.#ask({ op: 'abort', device }, { fuseFd });
  }

  /** Each step by a process of its own, but those of the erofs driver: one takes over what the other has made. */
  #withoutWaiting(fuseFd: number): MountSteps {
    let kept: HelperProcess | undefined;
    const ended = Promise.withResolvers<void>();
    const start = () =>
      new Promise<HelperProcess>(resolve => {
        void this.#kept(async () => {
          kept = new HelperProcess(this.#timeoutMs, fuseFd);
          resolve(kept);
          await ended.promise;
          await kept.end();
        });
      });
    return stepsOf(
      async request => {
        if (request.op === 'mount-devices') return (await start()).ask(request);
        const isNext = request.op === 'mount-erofs' || request.op === 'read-file';
        return kept !== undefined && isNext ? kept.ask(request) : this.#ask(request, { fuseFd });
      },
      () => ended.resolve(),
    );
  }

  /** By a process of its own. */
  #ask(
    request: HelperRequest,
    { fuseFd, limit = this.#few, onStart = () => {} }: AskOptions = {},
  ): Promise<HelperAnswer> {
    return new Promise((resolve, reject) => {
      void limit(async () => {
        const helper = new HelperProcess(this.#timeoutMs, fuseFd);
        onStart(helper);
        await helper.ask(request).then(resolve, reject);
        await helper.end();
      });
    });
  }
}

interface AskOptions {
  readonly fuseFd?: number;
  /** Whose turn it must be. */
  readonly limit?: LimitFunction;
  readonly onStart?: (helper: HelperProcess) => void;
}

function stepsOf(ask: (request: HelperRequest) => Promise<HelperAnswer>, end: () => void = () => {}): MountSteps {
  return {
    async inspect(path) {
      const { canonical, isEmpty } = await ask({ op: 'inspect', path });
      return { canonical: required(canonical), isEmpty: required(isEmpty) };
    },
    mountFuse: async order => required((await ask({ op: 'mount-fuse', ...order })).device),
    mountDevices: async order => required((await ask({ op: 'mount-devices', ...order })).device),
    async mountErofs(order) {
      await ask({ op: 'mount-erofs', ...order });
    },
    async readFile(order) {
      const { reads } = await ask({ op: 'read-file', ...order });
      return required(reads).map(read => ('bytes' in read ? { bytes: Buffer.from(read.bytes, 'base64') } : read));
    },
    async mountOverlay(order) {
      await ask({ op: 'mount-overlay', ...order });
    },
    [Symbol.dispose]: end,
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new ShoalError('internal', 'mount helper: answer without the field asked for');
  return value;
}
