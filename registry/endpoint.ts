// Where an image's requests go: the registry that its reference names, and the mirrors that stand in for it. Pure.

import { ShoalError } from '../core/index.ts';
import { apiHost, canonicalHost } from './host-name.ts';
import type { HostSettings } from './host-settings.ts';

/** A registry as its requests see it. */
export interface RegistryEndpoint {
  /** As in references and credentials: `docker.io`. */
  readonly host: string;
  /** Scheme, host and port that requests go to. */
  readonly origin: string;
  /** Its certificate is not looked at, nor that of the places it sends us to. */
  readonly insecure: boolean;
  /** Goes before the repository's name, as `proxy/`. Empty for the registry itself. */
  readonly prefix: string;
  /** For a mirror: the registry it stands in for. */
  readonly mirrorOf?: string;
}

/** What a person asked for on the command line, for the image's own registry; settings may ask for it, too. */
export interface EndpointFlags {
  readonly plainHttp?: boolean | undefined;
  readonly insecure?: boolean | undefined;
}

export function registryEndpoint(host: string, flags: EndpointFlags, settings: HostSettings): RegistryEndpoint {
  const own = settings.of(host);
  const scheme = flags.plainHttp || own.plainHttp ? 'http' : 'https';
  const { origin } = new URL(`${scheme}://${apiHost(host)}`);
  return { host, origin, insecure: flags.insecure === true || own.insecure === true, prefix: '' };
}

/** The mirrors of a registry, in order. Each is reached by its own settings. Throws `usage` for one that is no address. */
export function mirrorEndpoints(host: string, settings: HostSettings): RegistryEndpoint[] {
  return (settings.of(host).mirrors ?? []).map(mirror => mirrorEndpoint(mirror, host, settings));
}

function mirrorEndpoint(mirror: string, mirrorOf: string, settings: HostSettings): RegistryEndpoint {
  const scheme = /^(https?):\/\//i.exec(mirror)?.[1]?.toLowerCase();
  const address = mirror.replace(/^https?:\/\//i, '').replace(/\/+$/, '');
  const slash = address.indexOf('/');
  const host = slash < 0 ? address : address.slice(0, slash);
  // What the `/v2` of an address like `https://HOST/v2/PREFIX` says goes without saying.
  const prefix = slash < 0 ? '' : `${address.slice(slash + 1)}/`.replace(/^v2\//, '');
  const own = settings.of(host);
  const url = URL.parse(`${scheme ?? (own.plainHttp ? 'http' : 'https')}://${apiHost(host.toLowerCase())}`);
  const plain = url !== null && url.pathname === '/' && url.username === '' && url.search === '' && url.hash === '';
  if (!plain || host === '' || !PREFIX.test(prefix)) {
    throw new ShoalError(
      'usage',
      `mirror of ${mirrorOf}: ${JSON.stringify(withoutUser(mirror).slice(0, 200))} is neither HOST[:PORT][/PREFIX] nor an http(s) address`,
    );
  }
  return { host: canonicalHost(host), origin: url.origin, insecure: own.insecure === true, prefix, mirrorOf };
}

/** Parts of a repository's name, each with its slash. */
const PREFIX = /^(?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*\/)*$/;

function withoutUser(address: string): string {
  return address.replace(/[^/]*@/, '…@');
}
