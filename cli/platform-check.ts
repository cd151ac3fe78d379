// Insists on the platform that a person named. An index chooses by it; a single manifest says nothing of its platform,
// so that only the config can tell that it is another one.

import { type Platform, ShoalError } from '../core/index.ts';
import { formatPlatform, type OpenedSource, parseConfig, parseManifest } from '../registry/index.ts';

/** The same image; its `manifest` throws `not-found` when the config names another os or architecture. */
export function insistingOn(platform: Platform, source: OpenedSource): OpenedSource {
  return {
    name: source.name,
    async manifest(wanted, options) {
      const fetched = await source.manifest(wanted, options);
      const manifest = parseManifest(fetched.bytes, source.name);
      const { os, architecture } = parseConfig(await source.document(manifest.config, options), source.name);
      if (os === platform.os && architecture === platform.architecture) return fetched;
      throw new ShoalError(
        'not-found',
        `${source.name}: no image for ${formatPlatform(platform)}; there is: ${os}/${architecture} (by its config)`,
      );
    },
    named: options => source.named(options),
    referrers: (subject, options) => source.referrers(subject, options),
    document: (descriptor, options) => source.document(descriptor, options),
    blob: (descriptor, options) => source.blob(descriptor, options),
    readRange: (blob, range, options) => source.readRange(blob, range, options),
  };
}
