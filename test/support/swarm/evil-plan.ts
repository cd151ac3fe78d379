// What an evil peer is told by who starts it.

import { z } from 'zod';
import { type Digest, isDigest } from '../../../core/index.ts';
import { MALICES } from './evil-tasks.ts';

const digest = z.custom<Digest>(value => typeof value === 'string' && isDigest(value));

export const evilPlan = z.object({
  malice: z.enum(MALICES),
  /** State and identity. */
  root: z.string(),
  address: z.string(),
  port: z.number(),
  /** Where connections from outside arrive instead, when they are held up. */
  relayPort: z.number(),
  clusterKeyFile: z.string(),
  certificateFile: z.string(),
  /** Multiaddrs with peer ids. */
  schedulers: z.array(z.string()).readonly(),
  blobs: z.array(z.object({ digest, size: z.number() })),
});
export type EvilPlan = z.infer<typeof evilPlan>;

/** It is a member now. */
export const evilGreeting = z.object({ peerId: z.string() });

/** Of so many peers it has asked everything, by now. */
export const evilProgress = z.object({ asked: z.number() });
