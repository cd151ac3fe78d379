// The origin fails. Peers or not: reads wait while nobody can answer them, and go on soon after.

import { REGISTRY } from '../support/swarm/network.ts';
import type { OriginFault } from '../support/swarm/origin-faults.ts';
import type { Scenario, Stage } from './scenario.ts';

/** The engine's ceilings (daemon/config.ts): transient failures are tried again after 5 s at the latest, others after 30. */
const TRANSIENT_MS = 5_000;
const PERSISTENT_MS = 30_000;

/** At some moment of the start, for some seconds, all or some requests for blobs. */
async function failFor(stage: Stage, fault: OriginFault): Promise<void> {
  await stage.progress(stage.random.between(0.1, 0.4));
  const trouble = stage.trouble({ stopsReads: true });
  await stage.origin(fault);
  await stage.pause(stage.random.between(3_000, 6_000));
  await stage.origin();
  trouble.end();
}

function faulty(name: string, about: string, graceMs: number, fault: OriginFault): Scenario {
  return { name, about, graceMs, needsPeers: false, play: stage => failFor(stage, fault) };
}

export const ORIGIN_SCENARIOS: readonly Scenario[] = [
  faulty('origin-429', 'the origin answers 429, Retry-After: 2', TRANSIENT_MS + 2_000, {
    kind: 'status',
    status: 429,
    retryAfterS: 2,
    share: 1,
  }),
  faulty('origin-503', 'the origin answers 503', TRANSIENT_MS, { kind: 'status', status: 503, share: 1 }),
  faulty('origin-cut', 'half of the bodies break off', TRANSIENT_MS, { kind: 'cut', share: 0.5 }),
  faulty('origin-length', 'half of the bodies have a wrong length', PERSISTENT_MS, {
    kind: 'wrong-length',
    share: 0.5,
  }),
  faulty('origin-bytes', 'half of the bodies have a wrong byte', PERSISTENT_MS, { kind: 'wrong-bytes', share: 0.5 }),
  faulty('origin-gone', 'the origin resets connections and does not listen', TRANSIENT_MS, { kind: 'gone' }),
  {
    name: 'origin-silent',
    about: 'nothing passes between the origin and the nodes',
    needsPeers: false,
    // TCP itself sends again after pauses that double, up to twice the length of the silence.
    graceMs: TRANSIENT_MS + 12_000,
    async play(stage) {
      await stage.progress(stage.random.between(0.1, 0.4));
      const trouble = stage.trouble({ stopsReads: true });
      await stage.partition([[REGISTRY], stage.nodes]);
      await stage.pause(stage.random.between(3_000, 6_000));
      await stage.heal();
      trouble.end();
    },
  },
];
