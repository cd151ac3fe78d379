// How long reads took, by who answered them: a histogram of which one part is counted by other threads, in shared memory,
// and only looked at when somebody asks.

import { Histogram, type Registry } from 'prom-client';
import { ANSWERERS, type Answerer } from './fetch/want.ts';
import { READ_SECONDS, type ReadTimes, readBucket } from './shared-counters.ts';

const NO_TIMES: ReadTimes = { counts: READ_SECONDS.map(() => 0).concat(0), seconds: 0 };

const NAME = 'shoal_read_duration_seconds';
const HELP =
  'How long reads of files took, by the farthest place that had to answer. Of those that found all in the cache one in 256 is timed, for all.';

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The library's histogram can only be told of one read after the other. */
export class ReadDurations extends Histogram<'source'> {
  readonly #hits: () => ReadTimes;
  readonly #waited = new Map<Answerer, ReadTimes>();

  /** `hits`: of the reads that found everything in the cache. They never go back. */
  constructor(registry: Registry, hits: () => ReadTimes) {
    super({
      name: NAME,
      help: HELP,
      labelNames: ['source'],
      buckets: [...READ_SECONDS],
      registers: [registry],
    });
    this.#hits = hits;
  }

  served(from: Answerer, ms: number): void {
    const { counts, seconds } = this.#waited.get(from) ?? NO_TIMES;
    const bucket = readBucket(ms);
    this.#waited.set(from, {
      counts: counts.map((count, at) => (at === bucket ? count + 1 : count)),
      seconds: seconds + ms / 1000,
    });
  }

  /** What the library's registry puts on the page. */
  async getForPromString(): Promise<object> {
    const values = ANSWERERS.flatMap(source => {
      const waited = this.#waited.get(source) ?? NO_TIMES;
      return valuesOf(source, source === 'cache' ? sumOfTimes(waited, this.#hits()) : waited);
    });
    return { name: NAME, help: HELP, type: 'histogram', aggregator: 'sum', values };
  }
}

export function sumOfTimes(a: ReadTimes, b: ReadTimes): ReadTimes {
  return { counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)), seconds: a.seconds + b.seconds };
}

function valuesOf(source: Answerer, { counts, seconds }: ReadTimes): Value[] {
  let count = 0;
  const buckets = counts.map((inBucket, at) => {
    count += inBucket;
    return { metricName: `${NAME}_bucket`, labels: { source, le: READ_SECONDS[at] ?? '+Inf' }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels: { source }, value: seconds },
    { metricName: `${NAME}_count`, labels: { source }, value: count },
  ];
}
