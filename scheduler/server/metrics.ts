// The scheduler's metrics in Prometheus' form. What the core knows is looked at when somebody asks; what happens is
// counted as it happens, at some hundred nanoseconds each.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SchedulerEvent } from '../core/events.ts';
import type { SchedulerCounts, SchedulerView } from './ports.ts';
import type { DropReason, ServerMeter } from './server.ts';

/** Seconds. The floor is 5 ms for 99 of 100. */
const DECISION_BUCKETS = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1];
/** The library's own wakes up a hundred times a second, and shows its period as delay. */
const LAG_RESOLUTION_MS = 20;
const LIBRARY_HISTOGRAM = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

export class SchedulerMetrics implements ServerMeter {
  readonly #registry = new Registry();
  readonly #view: SchedulerView;
  readonly #received: Counter<'kind'>;
  readonly #sent: Counter<'kind'>;
  readonly #dropped: Counter<'why'>;
  readonly #decisions: Histogram<'event'>;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

  constructor(view: SchedulerView, streams: () => number) {
    this.#view = view;
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
    const now: readonly (readonly [string, string, (counts: SchedulerCounts) => number])[] = [
      ['shoal_scheduler_nodes', 'Nodes that are connected and have said who they are.', it => it.nodes],
      ['shoal_scheduler_tasks', 'Tasks that somebody takes part in.', it => it.tasks],
      ['shoal_scheduler_members', 'Parts in tasks, of all nodes.', it => it.members],
      ['shoal_scheduler_queued_pieces', 'Pieces that are wanted and wait for a lease.', it => it.queued],
      ['shoal_scheduler_banned_peers', 'Peers that are banned now.', it => it.banned],
    ];
    for (const [name, help, look] of now) this.#addGauge(name, help, () => look(this.#view.counts()));
    const leases = new Gauge({
      name: 'shoal_scheduler_leases',
      help: 'Origin leases: running, or past their deadline and perhaps still done.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect: () => {
        for (const [state, count] of Object.entries(this.#view.counts().leases)) leases.set({ state }, count);
      },
    });
    const ever: readonly (readonly [string, string, (counts: SchedulerCounts) => number])[] = [
      ['shoal_scheduler_leases_granted_total', 'Origin leases that were given.', it => it.granted],
      ['shoal_scheduler_leases_done_total', 'Origin leases whose piece came.', it => it.done],
      ['shoal_scheduler_leases_failed_total', 'Origin leases that the lessee gave back.', it => it.failed],
      ['shoal_scheduler_leases_expired_total', 'Origin leases that were not done at their deadline.', it => it.expired],
      ['shoal_scheduler_leases_handed_over_total', 'Origin leases given again to another.', it => it.handedOver],
      ['shoal_scheduler_bans_total', 'Bans of peers.', it => it.bans],
    ];
    for (const [name, help, look] of ever) {
      const counter: Counter = new Counter({
        name,
        help,
        registers: [this.#registry],
        collect: () => {
          counter.reset();
          counter.inc(look(this.#view.counts()));
        },
      });
    }
  }

  #addGauge(name: string, help: string, look: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(look()) });
  }
}
