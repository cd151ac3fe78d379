// Addresses to listen on as people write them: HOST:PORT, with an IP address for HOST.

import { isIP } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly family: 4 | 6;
  /** 0: any. */
  readonly port: number;
}

const MAX_PORT = 65_535;

/** Undefined when it is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const family = isIP(host);
  const port = Number(digits);
  if (port > MAX_PORT || (family !== 4 && family !== 6) || (family === 6) !== (bracketed !== undefined))
    return undefined;
  return { host, family, port };
}

export function multiaddrOf({ host, family, port }: Endpoint): string {
  return `/ip${family}/${host}/tcp/${port}`;
}
