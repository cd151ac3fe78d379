// Question: how many messages a second does a scheduler take on one core, how long does a decision take at worst, and how
// much memory do many nodes and tasks cost? The pure core by itself, without streams and without decoding.
//
//   sh scripts/with-node.sh --expose-gc bench/scheduler.ts [--hosts 10000] [--tasks 100] [--pieces 1600]
//                                              [--messages 1000000] [--json]

import { parseArgs } from 'node:util';
import { printJson } from '../cli/output.ts';
import { type CoreResult, measureCore } from './scheduler/core.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '10000' },
    tasks: { type: 'string', default: '100' },
    pieces: { type: 'string', default: '1600' },
    messages: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function printCore(result: CoreResult): void {
  const { hosts, tasks, pieces, memberships } = result;
  const perMember = Math.round(result.bytes / memberships);
  say(`core: ${hosts} hosts × ${tasks} tasks of ${pieces} pieces`);
  say(
    `  ${memberships} joins in ${result.joinSeconds.toFixed(1)} s, ${perMember} bytes each, ${mib(result.bytes)} in all`,
  );
  const perSecond = `${Math.round(result.messagesPerSecond)} messages/s`;
  say(
    `  ${perSecond} with flushes and ticks; ${Math.round(result.messagesPerCpuSecond)} in a second of processor time`,
  );
  say('  kind            calls    mean µs     p50     p99   p99.9     max');
  for (const { kind, calls, meanUs, p50Us, p99Us, p999Us, maxUs } of result.rows) {
    const numbers = [meanUs, p50Us, p99Us, p999Us, maxUs].map(value => value.toFixed(1).padStart(8)).join('');
    say(`  ${kind.padEnd(12)} ${String(calls).padStart(8)}  ${numbers}`);
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

const core = measureCore({
  hosts: Number(values.hosts),
  tasks: Number(values.tasks),
  pieces: Number(values.pieces),
  messages: Number(values.messages),
  say,
});
if (values.json) printJson({ core });
else printCore(core);
