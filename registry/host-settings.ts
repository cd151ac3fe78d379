// What an administrator says about single registries: how to reach them and whom to trust. Keyed by the host as in
// references (`docker.io`, `localhost:5000`); everything else of this folder asks here and nowhere else.

import { canonicalHost } from './host-name.ts';

export interface RegistryHostSettings {
  /** Places to read from before the registry itself, in order: `HOST[:PORT][/PREFIX]`, or the same as http(s) URL. */
  readonly mirrors?: readonly string[];
  /** Speak HTTP without TLS. */
  readonly plainHttp?: boolean;
  /** TLS without looking at the certificate. */
  readonly insecure?: boolean;
  /** Files (PEM): authorities that are trusted besides the system's; a certificate of ours and its key. */
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

export type HostSettingsTable = Readonly<Record<string, RegistryHostSettings>>;

const NOTHING: RegistryHostSettings = {};

/** Looks settings up by any of a host's names. */
export class HostSettings {
  readonly #byHost: ReadonlyMap<string, RegistryHostSettings>;

  constructor(table: HostSettingsTable = {}) {
    this.#byHost = new Map(Object.entries(table).map(([host, settings]) => [canonicalHost(host), settings]));
  }

  of(host: string): RegistryHostSettings {
    return this.#byHost.get(canonicalHost(host)) ?? NOTHING;
  }
}
