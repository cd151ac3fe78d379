// What the origin does wrong, as the proxy in front of it is told. Parsed where it arrives: the proxy is another process.

import { z } from 'zod';

export const originFault = z.discriminatedUnion('kind', [
  /** Answers with a status, and how long to wait. */
  z.object({ kind: z.literal('status'), status: z.number(), retryAfterS: z.number().optional(), share: z.number() }),
  /** Bodies break off somewhere. */
  z.object({ kind: z.literal('cut'), share: z.number() }),
  /** Bodies are shorter or longer than was asked, and the headers agree with the body. */
  z.object({ kind: z.literal('wrong-length'), share: z.number() }),
  /** One byte of a body is another. */
  z.object({ kind: z.literal('wrong-bytes'), share: z.number() }),
  /** Nobody listens, connections are reset. */
  z.object({ kind: z.literal('gone') }),
]);
/** `share`: of the requests for blobs, 0 to 1. */
export type OriginFault = z.infer<typeof originFault>;

/** To the proxy: what to do from now on. `number` comes back when it does. */
export const proxyOrder = z.object({ number: z.number(), faults: z.array(originFault) });

/** From the proxy. `faulted`: requests that met a fault, since it started. */
export const proxyAnswer = z.object({ number: z.number(), faulted: z.number() });

export const proxyPlan = z.object({
  listen: z.object({ host: z.string(), port: z.number() }),
  target: z.object({ host: z.string(), port: z.number() }),
  seed: z.number(),
});
export type ProxyPlan = z.infer<typeof proxyPlan>;
