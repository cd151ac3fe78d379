// Addresses of peers as people write them: HOST:PORT, or the multiaddrs that libp2p speaks of. Whether a multiaddr can be
// used is libp2p's to say, when the daemon starts; here is what is no address at all.

import { isIPv4, isIPv6 } from 'node:net';

const MAX_PORT = 65_535;
/** Of a multiaddr, and of a name in a location. */
const MAX_ADDRESS = 512;
const MAX_NAME = 64;

/** RFC 1123. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;
const MULTIADDR = /^(?:\/[A-Za-z0-9][A-Za-z0-9.:_-]*)+$/;
const WITH_PEER_ID = /\/p2p\/[1-9A-HJ-NP-Za-km-z]{8,128}$/;

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** IP:PORT, the IP in brackets when it is of version 6, or a multiaddr. */
export function isListenAddress(text: string): boolean {
  const parts = hostAndPort(text);
  return isMultiaddr(text) || (parts !== undefined && (isIPv4(parts.host) || isIPv6(parts.host)));
}

/** The same, or with a name. */
export function isAnnouncedAddress(text: string): boolean {
  const parts = hostAndPort(text);
  return isListenAddress(text) || (parts !== undefined && HOST_NAME.test(parts.host));
}

export function isPeerAddress(text: string): boolean {
  return isMultiaddr(text) && WITH_PEER_ID.test(text);
}

/** As libp2p wants it. `text` is one of the above. */
export function toMultiaddr(text: string): string {
  const parts = hostAndPort(text);
  if (parts === undefined) return text;
  const { host, port } = parts;
  return `/${isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dns'}/${host}/tcp/${port}`;
}

/** `region`, `region|zone` or `region|zone|rack`. */
export function isLocation(text: string): boolean {
  const names = text.split('|');
  return names.length <= 3 && names.every(name => /^[\w.:-]+$/.test(name) && name.length <= MAX_NAME);
}

export function parseLocation(text: string): {
  readonly region?: string;
  readonly zone?: string;
  readonly rack?: string;
} {
  const [region, zone, rack] = text.split('|');
  return { ...(region && { region }), ...(zone && { zone }), ...(rack && { rack }) };
}

function isMultiaddr(text: string): boolean {
  return text.length <= MAX_ADDRESS && MULTIADDR.test(text);
}

function hostAndPort(text: string): HostAndPort | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > MAX_PORT || (bracketed !== undefined && !isIPv6(bracketed))) return undefined;
  return { host, port };
}
