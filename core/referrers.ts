// Ports: what refers to an image from outside it (signatures, SBOMs, attestations). Such a manifest names the digest of
// the image it is about, its *subject*; another image, even one with the same files, is not what it speaks of.

import type { Digest } from './digest.ts';
import type { Descriptor, TransferOptions } from './image-transfer.ts';

export interface Referrer {
  /** Of the manifest that refers. */
  readonly descriptor: Descriptor;
  /** What it is, as far as the place it was found in says: its artifact type, or what its tag stands for. */
  readonly type: string;
  /** The tag by which it is found, when that is the only way (cosign's `sha256-HEX.sig`). */
  readonly tag?: string;
}

/** Contract, checked by test/conformance/referrers.ts. */
export interface ReferrerSource {
  /**
   * What refers to `subject` in the place of this image, each manifest once; none is no error. Unverified until the
   * manifest is fetched. Refuses (`limit`) more than 1000. Idempotent; any number at once.
   */
  referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]>;
}

export interface ReferrerSink {
  /**
   * Stores the manifest of a referrer, whose blobs are there already, so that `referrers(subject)` of the same place
   * finds it, in addition to those it finds already. Idempotent. `manifest` is what `referrer.descriptor` says.
   */
  putReferrer(subject: Digest, referrer: Referrer, manifest: Uint8Array, options: TransferOptions): Promise<void>;
}
