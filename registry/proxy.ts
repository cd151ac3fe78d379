// Which proxy a request goes through, by the conventions of HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's programs (docker,
// containerd) follow them. undici's own agent for these variables lets HTTP_PROXY serve https, too, and knows no networks
// in NO_PROXY, which clusters rely on. Pure.

import { BlockList, isIP, isIPv4 } from 'node:net';
import { ShoalError } from '../core/index.ts';

/** The values of the variables; empty or absent: not set. A proxy's address may hold credentials: never printed. */
export interface ProxySettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

/** A proxy to go through. */
export interface ProxyTarget {
  readonly origin: string;
  /** The Proxy-Authorization header, if its address has a user name. */
  readonly authorization: string | undefined;
}

/** The proxy for this address, if any. Throws `usage` for a setting that is no address, without quoting it. */
export function proxyFor(url: URL, settings: ProxySettings): ProxyTarget | undefined {
  const isTls = url.protocol === 'https:';
  const address = isTls ? settings.httpsProxy : settings.httpProxy;
  if (!address || isExempt(url, settings.noProxy ?? '')) return undefined;
  return parseProxy(address, isTls ? 'HTTPS_PROXY' : 'HTTP_PROXY');
}

function parseProxy(address: string, name: string): ProxyTarget {
  const url = URL.parse(address.includes('://') ? address : `http://${address}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new ShoalError('usage', `${name}: expected the address of a proxy, http://[USER:PASSWORD@]HOST[:PORT]`);
  }
  const user = decoded(url.username);
  const authorization =
    user === '' ? undefined : `Basic ${Buffer.from(`${user}:${decoded(url.password)}`).toString('base64')}`;
  return { origin: url.origin, authorization };
}

/** As it is when somebody put a bare % into a password. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Addresses of this machine are never proxied; others when an entry of NO_PROXY covers them. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || (isIP(host) !== 0 && LOOPBACK.check(host, family(host)))) return true;
  const entries = noProxy.toLowerCase().split(/[\s,]+/);
  return entries.some(entry => entry !== '' && covers(entry, host, port));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** An entry: `*`, a network, an address or a name (with everything below it; below it only, after a dot), each with a port. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const split = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) ? `[${entry}]` : entry);
  const name = (split?.[1] ?? '').replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (split?.[2] !== undefined && split[2] !== port) return false;
  if (isIP(name)) return name === host;
  const suffix = name.replace(/^\*?\./, '');
  return suffix !== '' && (host.endsWith(`.${suffix}`) || (suffix === name && host === name));
}

function isInNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  const longest = isIPv4(base) ? 32 : 128;
  if (isIP(host) === 0 || isIP(base) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > longest) return false;
  const block = new BlockList();
  block.addSubnet(base, Number(bits), family(base));
  return block.check(host, family(host));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
