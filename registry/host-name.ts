// One name per registry, however it is written: in references, in the configuration, as a key of docker's config.json.

import { DOCKER_HUB, DOCKER_HUB_ALIASES } from './reference.ts';

/** The host that serves Docker Hub's API. */
const DOCKER_HUB_API = 'registry-1.docker.io';

/**
 * The host as tables are keyed by: lower case, without scheme, path and HTTPS's own port; Docker Hub is `docker.io`.
 * Takes anything that people write (`https://index.docker.io/v1/`), so the result need not be a host.
 */
export function canonicalHost(text: string): string {
  const host = text
    .replace(/^https?:\/\//i, '')
    .replace(/\/.*$/, '')
    .toLowerCase()
    .replace(/:443$/, '');
  return DOCKER_HUB_ALIASES.has(host) ? DOCKER_HUB : host;
}

/** The host that requests for this registry go to. */
export function apiHost(host: string): string {
  return host === DOCKER_HUB ? DOCKER_HUB_API : host;
}
