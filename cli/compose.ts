// The composition root: the one place where folders meet. Opens images by what a person typed, gives the daemon its
// view of them, and builds the daemon out of its parts.

import {
  type BlobLayout,
  type ChunkSource,
  type ImageSource,
  ShoalError,
  type Swarm,
  systemClock,
} from '../core/index.ts';
import {
  type Daemon,
  defaultDaemonLimits,
  defaultServeLimits,
  defaultStoreLimits,
  fetchLimits,
  type ImageLibrary,
  type loadServer,
} from '../daemon/index.ts';
import { BootstrapReader } from '../image/index.ts';
import * as registry from '../registry/index.ts';
import { type AcceleratedImage, openAcceleratedImage } from './accelerated-image.ts';
import type { CommandContext } from './command.ts';
import { DaemonPeers } from './compose-swarm.ts';
import { givenCredentials } from './credentials.ts';
import { insistingOn } from './platform-check.ts';
import { readPlatform } from './settings.ts';
import { layersOfSwarm } from './swarm-layer.ts';

/** Of `--platform`, where a command takes every image of an index. */
export const ALL_PLATFORMS = 'all';

/** Options of every command that names an image. */
export interface ReferenceOptions {
  readonly platform?: string;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  /** USER[:PASSWORD]. */
  readonly creds?: string | undefined;
}

/** Options of commands that name two images: credentials for one of them, instead of `creds`. */
export interface TwoSidedOptions extends ReferenceOptions {
  readonly srcCreds?: string;
  readonly destCreds?: string;
}

/** An accelerated image, opened for commands that read it without a daemon. */
export interface OpenedImage extends AcceleratedImage {
  readonly source: ImageSource;
  readonly origin: ChunkSource;
  readonly reader: BootstrapReader;
  readonly blobs: readonly BlobLayout[];
}

export function openReferenceSource(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): registry.OpenedSource {
  return insisted(registry.openSource(reference, openOptions(context, reference, options)), options);
}

/** The same for who looks at the image more than once: what the reference stands for is asked once. */
export function openPinnedSource(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): registry.OpenedSource {
  const source = registry.openSource(reference, openOptions(context, reference, options));
  return insisted(new registry.PinnedSource(source), options);
}

function insisted(source: registry.OpenedSource, { platform }: ReferenceOptions): registry.OpenedSource {
  return platform === undefined || platform === ALL_PLATFORMS ? source : insistingOn(readPlatform(platform), source);
}

/** `mountFrom` names the image whose blobs the target's registry may have already. For the caller to dispose. */
export function openReferenceSink(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions & { readonly mountFrom?: string },
): registry.OpenedSink {
  return registry.openSink(reference, { ...openOptions(context, reference, options), mountFrom: options.mountFrom });
}

/** The reference as a daemon with another working directory must get it. Throws `usage`. */
export function absoluteReference(reference: string): string {
  const absolute = registry.absoluteReference(reference);
  return registry.formatReference(absolute);
}

export async function openLazily(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): Promise<OpenedImage> {
  const source = openReferenceSource(context, reference, options);
  const image = await openAcceleratedImage(source, readPlatform(options.platform), context.signal);
  const reader = new BootstrapReader(image.bootstrap);
  const origin = registry.openOrigin(reference, openOptions(context, reference, options));
  return { ...image, source, origin, reader, blobs: reader.blobLayouts(image.layers) };
}

/** Only the config of an image: what `run` needs to know before anything is mounted. */
export async function openConfig(
  context: CommandContext,
  reference: string,
  options: ReferenceOptions,
): Promise<registry.ImageConfig> {
  const source = openReferenceSource(context, reference, options);
  const { signal } = context;
  const fetched = await source.manifest(readPlatform(options.platform), { signal, prefer: 'nydus' });
  const manifest = registry.parseManifest(fetched.bytes, source.name);
  return registry.parseConfig(await source.document(manifest.config, { signal }), source.name);
}

function openOptions(context: CommandContext, reference: string, options: ReferenceOptions): registry.OpenOptions {
  const given = givenCredentials(context, options);
  const credential =
    given &&
    (async () => {
      const { username, password } = await given();
      return registry.credentialOf(username, password);
    });
  const { plainHttp, insecure } = options;
  return { access: accessWith(context.registry, reference, credential), plainHttp, insecure };
}

/**
 * How each of two images is reached: `creds` for either. What is given for no side in particular is for both, if both are
 * in one registry; otherwise it would show one registry the password of the other, or take the protection from a
 * connection that needs it, and is refused (`usage`).
 */
export function accessOfTwo(
  context: CommandContext,
  options: TwoSidedOptions,
  { source, target }: { readonly source: string; readonly target: string },
): { readonly source: string; readonly target: string } {
  const { env } = context;
  const forSource = options.srcCreds ?? env['SHOAL_SRC_CREDS'];
  const forTarget = options.destCreds ?? env['SHOAL_DEST_CREDS'];
  const forBoth = options.creds ?? env['SHOAL_CREDS'] ?? '';
  const [from, to] = [registry.parseReference(source), registry.parseReference(target)];
  if (from.kind === 'registry' && to.kind === 'registry' && from.host !== to.host) {
    const which = `for which of ${from.host} and ${to.host}?`;
    if (forBoth !== '' && !forSource && !forTarget) {
      throw new ShoalError('usage', `--creds: ${which} Say so with --src-creds and --dest-creds`);
    }
    const flag = options.plainHttp ? 'plain-http' : options.insecure ? 'insecure' : undefined;
    // Two ports of one machine are reached over one network.
    if (flag !== undefined && hostName(from.host) !== hostName(to.host)) {
      throw new ShoalError(
        'usage',
        `--${flag}: ${which} Say "${flag} = true" in [registry."HOST"] of the configuration`,
      );
    }
  }
  return { source: forSource || forBoth, target: forTarget || forBoth };
}

/** `HOST` of `HOST[:PORT]`, also of `[IPv6]:PORT`. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '');
}

/** The credential is for the reference's registry and goes nowhere else. */
function accessWith(
  access: registry.RegistryAccess,
  reference: string,
  credential: (() => Promise<registry.Credential>) | undefined,
): registry.RegistryAccess {
  const parsed = registry.parseReference(reference);
  return credential === undefined || parsed.kind !== 'registry'
    ? access
    : access.withCredential(parsed.host, credential);
}

/** How the daemon sees images. `swarmNow`: by whom their layers may come, too. */
function imageLibrary(access: registry.RegistryAccess, swarmNow: () => Swarm | undefined): ImageLibrary {
  return {
    async open({ reference, platform, plainHttp, insecure, credentials: given }, { signal }) {
      const credential = given && registry.credentialOf(given.username, given.password);
      const options = {
        access: accessWith(access, reference, credential && (async () => credential)),
        plainHttp,
        insecure,
      };
      const source = registry.openSource(reference, options);
      const insisting = platform === undefined ? source : insistingOn(platform, source);
      const sources = registry.openChunkSources(reference, options);
      const swarm = swarmNow();
      const fetchLayer =
        swarm && sources.ranges && layersOfSwarm(swarm, { origin: sources.ranges, clock: systemClock });
      const image = await openAcceleratedImage(insisting, platform ?? readPlatform(undefined), signal, fetchLayer);
      return { ...image, reference: image.name, ...sources };
    },
    sources: ({ reference, plainHttp, insecure }) =>
      registry.openChunkSources(reference, { access, plainHttp, insecure }),
  };
}

export function composeDaemon(
  { Daemon }: Pick<Awaited<ReturnType<typeof loadServer>>, 'Daemon'>,
  context: CommandContext,
  /** `isAwaited`: somebody is about to ask it something. */
  { isAwaited, exitWhenIdle }: { readonly exitWhenIdle: boolean; readonly isAwaited: boolean },
): Daemon {
  const { root, daemon, fill, keepMounts, peers: peerSettings } = context.settings;
  const limits = {
    serve: { ...defaultServeLimits, workers: daemon.serveWorkers },
    store: { ...defaultStoreLimits, workers: daemon.storeWorkers },
    fetch: fetchLimits(daemon.fetchRequests),
    daemon: isAwaited ? defaultDaemonLimits : { ...defaultDaemonLimits, firstRequestMs: 0 },
  };
  const peers =
    peerSettings &&
    new DaemonPeers(context, peerSettings, async () => (await import('../peer/index.ts')).createPeerNode);
  return new Daemon(
    { clock: systemClock, log: context.log, library: imageLibrary(context.registry, () => peers?.swarm), peers },
    { root, limits, fill, keepMounts, exitWhenIdle },
  );
}
