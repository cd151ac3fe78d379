import { setTimeout as passRealTime } from 'node:timers/promises';
import { systemClock } from '../../core/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { clockConformance } from './clock.ts';

// Real time has to pass here: it is what this clock is about.
clockConformance('system', () => ({ clock: systemClock, pass: ms => passRealTime(ms) }));

clockConformance('manual', () => {
  const clock = new ManualClock();
  return { clock, pass: ms => clock.advance(ms) };
});
