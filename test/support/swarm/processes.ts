// Programs in the namespaces of a shaped network. Each dies with the run that started it, however that ends.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** Of all programs on such a network: a proxy in the environment of whoever runs this must not matter. */
export const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
};
const END_MS = 10_000;

export interface InsideOptions {
  /** Path of the network namespace. */
  readonly namespace: string;
  readonly command: readonly string[];
  /** Where its standard error is appended; default: to ours. */
  readonly log?: string;
  /** Of standard input and output, and of a channel for messages. Default: nothing of it. */
  readonly stdin?: 'pipe';
  readonly stdout?: 'pipe';
  readonly channel?: boolean;
}

/** `ip netns exec` would hide its mounts in a mount namespace; `nsenter` goes into the network only. */
export function startInside({ namespace, command, log, stdin, stdout, channel }: InsideOptions): ChildProcess {
  const errors = log === undefined ? 'inherit' : openSync(log, 'a');
  try {
    const stdio: SpawnOptions['stdio'] = [stdin ?? 'ignore', stdout ?? 'ignore', errors];
    if (channel) stdio.push('ipc');
    // The signal at our death is for when we are killed: all other ends are seen to by the test bed.
    const args = ['--pdeathsig', 'KILL', 'nsenter', `--net=${namespace}`, ...command];
    return spawn('setpriv', args, { stdio, env: ENVIRONMENT });
  } finally {
    if (typeof errors === 'number') closeSync(errors);
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Kills it, also when it is stopped. Rejects when it hangs in the kernel. */
export async function kill(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await within(END_MS, ended, `process ${child.pid} to end`);
}

/** Rejects when a promise takes too long; what it waits for is not stopped. */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Segments that TCP has sent again in the namespace of a process. */
export function retransmits(pid: number): number {
  const [names = [], values = []] = readFileSync(`/proc/${pid}/net/snmp`, 'latin1')
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '));
  return Number(values[names.indexOf('RetransSegs')]);
}

/** On the clock of every process of the machine, milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
