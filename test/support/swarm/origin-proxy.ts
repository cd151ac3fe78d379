// The fault proxy from outside: a child process in the registry's namespace, told over a channel what to do wrong.

import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { REGISTRY, type ShapedNetwork } from './network.ts';
import { type OriginFault, type ProxyPlan, proxyAnswer } from './origin-faults.ts';
import { kill, startInside, within } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, 'fault-proxy.ts');
const ANSWER_MS = 20_000;

export class OriginProxy {
  /** Requests that met a fault, as of the last order. */
  faulted = 0;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #orders = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', answer => {
      const { number, faulted } = proxyAnswer.parse(answer);
      this.faulted = faulted;
      this.#waiting.get(number)?.resolve();
      this.#waiting.delete(number);
    });
    child.once('exit', code => {
      for (const one of this.#waiting.values()) one.reject(new Error(`the fault proxy ended with ${code}`));
    });
  }

  /** Resolves when it listens. */
  static async start(network: ShapedNetwork, plan: ProxyPlan): Promise<OriginProxy> {
    const command = [process.execPath, PROGRAM, JSON.stringify(plan)];
    const proxy = new OriginProxy(startInside({ namespace: network.path(REGISTRY), command, channel: true }));
    await proxy.#answer(0);
    return proxy;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What the origin does wrong from now on; nothing for none. Resolves when it does. */
  async set(...faults: readonly OriginFault[]): Promise<void> {
    const number = ++this.#orders;
    const obeyed = this.#answer(number);
    this.#child.send({ number, faults }, error => {
      if (error) this.#waiting.get(number)?.reject(error);
    });
    await obeyed;
  }

  stop(): Promise<void> {
    return kill(this.#child);
  }

  async #answer(number: number): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.#waiting.set(number, answer);
    await within(ANSWER_MS, answer.promise, 'the fault proxy');
  }
}
