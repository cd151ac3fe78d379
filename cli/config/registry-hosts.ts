// The `[registry."HOST"]` tables of the configuration, by the name that a host has in image references.

import { isShoalError, ShoalError } from '../../core/index.ts';
import { parseReference, type RegistryHostSettings } from '../../registry/index.ts';

/** The host as references name it (Docker Hub has several names), or undefined when it is no host. */
function referenceHost(text: string): string | undefined {
  try {
    const reference = parseReference(`${text}/some/name`);
    // A word that does not look like a host is taken for a part of a repository's name on Docker Hub.
    const isHost = reference.kind === 'registry' && reference.repository === 'some/name';
    return isHost ? reference.host : undefined;
  } catch (error) {
    if (isShoalError(error, 'usage')) return undefined;
    throw error;
  }
}

/** A host, or an http(s) address. Credentials belong into docker's config.json, never into ours. */
export function isMirror(text: string): boolean {
  if (!text.includes('://')) return referenceHost(text) !== undefined;
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && `${username}${password}${search}${hash}` === '';
}

interface RegistryTable {
  readonly mirrors?: readonly string[];
  readonly 'plain-http'?: boolean;
  readonly insecure?: boolean;
  readonly ca?: string;
  readonly 'client-cert'?: string;
  readonly 'client-key'?: string;
}

/** The tables in the shape that registry/ wants. `where` says where a table's host or key stands, for messages. */
export function registryHosts(
  tables: Readonly<Record<string, RegistryTable>>,
  where: (host: string, key?: string) => string,
): Readonly<Record<string, RegistryHostSettings>> {
  const hosts: Record<string, RegistryHostSettings> = {};
  for (const [name, table] of Object.entries(tables)) {
    const host = referenceHost(name);
    if (host === undefined) {
      throw new ShoalError(
        'usage',
        `${where(name)}: registry ${JSON.stringify(name)}: expected a host as image references name it, like "docker.io" or "localhost:5000"`,
      );
    }
    if (Object.hasOwn(hosts, host)) {
      throw new ShoalError('usage', `${where(name)}: registry ${JSON.stringify(host)} is there twice`);
    }
    const { 'client-cert': clientCert, 'client-key': clientKey, 'plain-http': plainHttp, ...rest } = table;
    if ((clientCert === undefined) !== (clientKey === undefined)) {
      const [there, missing] = clientKey === undefined ? ['client-cert', 'client-key'] : ['client-key', 'client-cert'];
      throw new ShoalError(
        'usage',
        `${where(name, there)}: registry.${JSON.stringify(name)}: ${there} needs ${missing}`,
      );
    }
    hosts[host] = {
      ...rest,
      ...(plainHttp !== undefined && { plainHttp }),
      ...(clientCert !== undefined && { clientCert }),
      ...(clientKey !== undefined && { clientKey }),
    };
  }
  return hosts;
}
