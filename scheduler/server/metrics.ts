// The scheduler's metrics in Prometheus' form. What the core knows is looked at when somebody asks; what happens is
// counted as it happens, at some hundred nanoseconds each.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SchedulerEvent } from '../core/events.ts';
import type { SchedulerCore } from '../core/scheduler-core.ts';
import type { Task } from '../core/task.ts';
import type { DropReason, ServerMeter } from './server.ts';

/** Seconds. The floor is 5 ms for 99 of 100. */
const DECISION_BUCKETS = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1];
/** The library's own wakes up a hundred times a second, and shows its period as delay. */
const LAG_RESOLUTION_MS = 20;
const LIBRARY_HISTOGRAM = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

export class SchedulerMetrics implements ServerMeter {
  readonly #registry = new Registry();
  readonly #core: SchedulerCore;
  readonly #received: Counter<'kind'>;
  readonly #sent: Counter<'kind'>;
  readonly #dropped: Counter<'why'>;
  readonly #decisions: Histogram<'event'>;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

  constructor(core: SchedulerCore, streams: () => number) {
    this.#core = core;
    const registers = [this.#registry];
    this.#received = new Counter({
      name: 'shoal_scheduler_messages_received_total',
      help: 'Messages from nodes, by kind.',
      labelNames: ['kind'],
      registers,
    });
    this.#sent = new Counter({
      name: 'shoal_scheduler_messages_sent_total',
      help: 'Messages to nodes, by kind.',
      labelNames: ['kind'],
      registers,
    });
    this.#dropped = new Counter({
      name: 'shoal_scheduler_dropped_total',
      help: 'Streams of nodes that the scheduler ended, by reason.',
      labelNames: ['why'],
      registers,
    });
    this.#decisions = new Histogram({
      name: 'shoal_scheduler_decision_seconds',
      help: 'Time from an event to the last message that follows from it, by kind of event.',
      labelNames: ['event'],
      buckets: DECISION_BUCKETS,
      registers,
    });
    this.#addGauge('shoal_scheduler_streams', 'Streams of nodes that are open, greeted or not.', streams);
    this.#addLag();
    this.#addCounts();
    collectDefaultMetrics({ register: this.#registry });
    for (const part of LIBRARY_HISTOGRAM) this.#registry.removeSingleMetric(`nodejs_eventloop_lag_${part}_seconds`);
  }

  onMessage(kind: string): void {
    this.#received.inc({ kind });
  }

  onSent(kind: string): void {
    this.#sent.inc({ kind });
  }

  onDropped(why: DropReason): void {
    this.#dropped.inc({ why });
  }

  onDecision(kind: SchedulerEvent['kind'], ms: number): void {
    this.#decisions.observe({ event: kind }, ms / 1000);
  }

  start(): void {
    this.#lag.enable();
  }

  stop(): void {
    this.#lag.disable();
  }

  /** The page that Prometheus wants, and what to call it. */
  async page(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #addLag(): void {
    const lag: Gauge = new Gauge({
      name: 'shoal_scheduler_event_loop_lag_seconds',
      help: 'How late the event loop came round, 99 of 100 times at most, since the last look at this page.',
      registers: [this.#registry],
      collect: () => {
        const late = this.#lag.percentile(99) / 1e9 - LAG_RESOLUTION_MS / 1000;
        lag.set(Math.max(0, late));
        this.#lag.reset();
      },
    });
  }

  #addCounts(): void {
    const core = this.#core;
    const sum = (look: (task: Task) => number) => [...core.tasks.values()].reduce((all, task) => all + look(task), 0);
    const now: readonly (readonly [string, string, () => number])[] = [
      ['shoal_scheduler_nodes', 'Nodes that are connected and have said who they are.', () => core.nodes.size],
      ['shoal_scheduler_tasks', 'Tasks that somebody takes part in.', () => core.tasks.size],
      ['shoal_scheduler_members', 'Parts in tasks, of all nodes.', () => sum(task => task.members.size)],
      ['shoal_scheduler_queued_pieces', 'Pieces that wait for a lease.', () => sum(task => task.queue.size)],
    ];
    for (const [name, help, look] of now) this.#addGauge(name, help, look);
    const leases = new Gauge({
      name: 'shoal_scheduler_leases',
      help: 'Origin leases: running, or past their deadline and perhaps still done.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect: () => {
        leases.set(
          { state: 'running' },
          sum(task => task.leases.size),
        );
        leases.set(
          { state: 'overdue' },
          sum(task => task.overdue.size),
        );
      },
    });
    const ever: readonly (readonly [string, string, (tally: SchedulerCore['tally']) => number])[] = [
      ['shoal_scheduler_leases_granted_total', 'Origin leases that were given.', it => it.granted],
      ['shoal_scheduler_leases_done_total', 'Origin leases whose piece came.', it => it.done],
      ['shoal_scheduler_leases_failed_total', 'Origin leases that the lessee gave back.', it => it.failed],
      ['shoal_scheduler_leases_expired_total', 'Origin leases that were not done at their deadline.', it => it.expired],
      [
        'shoal_scheduler_leases_handed_over_total',
        'Pieces that were leased and had to be leased again.',
        it => it.handedOver,
      ],
      ['shoal_scheduler_bans_total', 'Bans of peers.', it => it.bans],
    ];
    for (const [name, help, look] of ever) {
      const counter: Counter = new Counter({
        name,
        help,
        registers: [this.#registry],
        collect: () => {
          counter.reset();
          counter.inc(look(core.tally));
        },
      });
    }
  }

  #addGauge(name: string, help: string, look: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(look()) });
  }
}
