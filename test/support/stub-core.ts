// A scheduler's core that a test plays: writes down what happens, and does what it is told.

import type { SchedulerEffect, SchedulerEvent } from '../../scheduler/core/events.ts';
import type { DecidingCore } from '../../scheduler/server/server.ts';

type MessageEvent = Extract<SchedulerEvent, { kind: 'message' }>;

export class StubCore implements DecidingCore {
  readonly events: SchedulerEvent[] = [];
  /** Of a message that came in. */
  answer: (event: MessageEvent) => readonly SchedulerEffect[] = ({ connection, message }) =>
    message.hello ? [{ kind: 'send', connection, message: { welcome: { reportIntervalMs: 50 } } }] : [];
  /** At the next flush. */
  readonly news: SchedulerEffect[] = [];
  readonly isBehind = false;
  /** After anything that came, until the next flush. */
  hasNews = false;

  *handle(event: SchedulerEvent): Iterable<SchedulerEffect> {
    this.hasNews = event.kind !== 'flush' && (this.hasNews || event.kind !== 'tick');
    if (event.kind === 'flush') yield* this.news.splice(0);
    if (event.kind === 'tick') return;
    this.events.push(event);
    if (event.kind === 'message') yield* this.answer(event);
  }

  of<K extends SchedulerEvent['kind']>(kind: K): Extract<SchedulerEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<SchedulerEvent, { kind: K }> => event.kind === kind);
  }

  /** Names of nodes that are connected now. */
  get connected(): string[] {
    const gone = new Set(this.of('gone').map(({ connection }) => connection));
    return this.of('connected').flatMap(({ connection, name }) => (gone.has(connection) ? [] : [name]));
  }
}
