// How TLS is spoken with each host: made from certificate files, kept for a while, and made anew when the files change,
// so that a renewed client certificate reaches a daemon that runs for months.

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { buildConnector } from 'undici';
import type { Clock } from '../core/index.ts';
import { SingleFlight } from '../core/index.ts';
import { type CertificateFiles, readCertificates, secureContext } from './certificates.ts';
import type { HostSettings } from './host-settings.ts';

/** Files are looked at again after this; a connection opened meanwhile may still show the old certificate. */
const REREAD_MS = 60_000;
/** Hosts that are spoken to; beyond it the files of the oldest are read again. */
const MAX_HOSTS = 256;
/** Different sets of files. Nearly all hosts share one, the system's; making one costs 10 ms of this thread. */
const MAX_CONNECTORS = 64;

export interface TlsOptions {
  /** Holds a directory of certificates per host, as docker's /etc/docker/certs.d. */
  readonly certificateDirectory?: string | undefined;
  readonly connectMs: number;
}

interface Profile {
  readonly connector: buildConnector.connector;
  readonly readAt: number;
}

export class TlsProfiles {
  readonly #hosts: HostSettings;
  readonly #clock: Clock;
  readonly #options: TlsOptions;
  readonly #profiles = new LRUCache<string, Profile>({ max: MAX_HOSTS });
  /** By the digest of the files. */
  readonly #connectors = new LRUCache<string, buildConnector.connector>({ max: MAX_CONNECTORS });
  readonly #flights = new SingleFlight<string, Profile>();

  constructor(parts: { readonly hosts: HostSettings; readonly clock: Clock }, options: TlsOptions) {
    this.#hosts = parts.hosts;
    this.#clock = parts.clock;
    this.#options = options;
  }

  /**
   * What opens TLS connections to this host (`HOST` or `HOST:PORT`), over a given socket if there is one. Insecure: any
   * certificate will do. Rejects as `readCertificates` and `secureContext` do.
   */
  async connector(host: string, insecure: boolean): Promise<buildConnector.connector> {
    const key = insecure ? `${host} insecure` : host;
    const known = this.#profiles.get(key);
    if (known && this.#clock.monotonic() - known.readAt < REREAD_MS) return known.connector;
    const profile = await this.#flights.run(key, () => this.#make(host, insecure));
    this.#profiles.set(key, profile);
    return profile.connector;
  }

  async #make(host: string, insecure: boolean): Promise<Profile> {
    const readAt = this.#clock.monotonic();
    const files = await readCertificates(host, this.#hosts.of(host), this.#options.certificateDirectory);
    const key = `${digestOf(files)} ${insecure}`;
    const connector = this.#connectors.get(key) ?? this.#connect(files, insecure);
    this.#connectors.set(key, connector);
    return { connector, readAt };
  }

  #connect(files: CertificateFiles, insecure: boolean): buildConnector.connector {
    return buildConnector({
      timeout: this.#options.connectMs,
      // One stream per socket: a stalled range must not hold up others, and progress is counted per request.
      allowH2: false,
      secureContext: secureContext(files),
      rejectUnauthorized: !insecure,
    });
  }
}

function digestOf({ authorities, identities }: CertificateFiles): string {
  const hash = createHash('sha256');
  const all = [...authorities, ...identities.flatMap(({ certificate, key }) => [certificate, key])];
  for (const { path, text } of all) hash.update(`${path}\0${text}\0`);
  return hash.digest('hex');
}
