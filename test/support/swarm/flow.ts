// Is a link as fast as it was made? One flow between two of them, by programs that do nothing else.

import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { ShapedNetwork } from './network.ts';
import { kill, startInside, within } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, 'flow.py');
const PORT = 9000;
const START_MS = 20_000;

/** Payload of one TCP flow, Mbit/s, over so many seconds. */
export async function flowMbit(network: ShapedNetwork, from: string, to: string, seconds: number): Promise<number> {
  const command = ['python3', PROGRAM, 'receive', `${PORT}`, `${seconds}`];
  const receiver = startInside({ namespace: network.path(to), command, stdout: 'pipe' });
  if (!receiver.stdout) throw new Error('no pipe');
  const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
  await within(START_MS, lines.next(), 'the receiver of a flow');
  const target = [network.address(to), `${PORT}`];
  const sender = startInside({ namespace: network.path(from), command: ['python3', PROGRAM, 'send', ...target] });
  try {
    const line = await within(START_MS + seconds * 1000, lines.next(), 'the end of a flow');
    if (receiver.exitCode === null && receiver.signalCode === null) await once(receiver, 'exit');
    return Number(line.value) / 1e6;
  } finally {
    await kill(sender);
    await kill(receiver);
  }
}
