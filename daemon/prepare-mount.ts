// Before anything is mounted: the image is opened and the mountpoint looked at, at the same time.

import type { MountRequest } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import type { MountSteps } from './mount/helper-client.ts';
import type { ImageLibrary, LazyImage } from './ports.ts';

/**
 * The image and the canonical mountpoint; when one fails the other is given up. Rejects with `busy` when a mount would hide
 * something, ours (`isOurs`) or somebody else's.
 */
export async function prepareMount(
  ports: {
    readonly library: ImageLibrary;
    readonly helper: Pick<MountSteps, 'inspect'>;
    readonly isOurs: (canonical: string) => boolean;
  },
  request: MountRequest,
  signal: AbortSignal,
): Promise<[LazyImage, string]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    return await Promise.all([ports.library.open(request, { signal: either }), inspect(ports, request)]);
  } catch (error) {
    failed.abort();
    throw error;
  }
}

async function inspect(
  { helper, isOurs }: { readonly helper: Pick<MountSteps, 'inspect'>; readonly isOurs: (canonical: string) => boolean },
  { mountpoint, nonEmpty = false }: MountRequest,
): Promise<string> {
  const { canonical, isEmpty } = await helper.inspect(mountpoint);
  if (isOurs(canonical)) throw new ShoalError('busy', `${canonical}: an image is mounted there already`);
  if (isEmpty || nonEmpty) return canonical;
  throw new ShoalError(
    'busy',
    `mountpoint ${mountpoint}: expected an empty directory, found one with something in it; --non-empty mounts over it`,
  );
}
