// Names that Nydus images carry in manifests and indexes (reference: nydus.md §1.32–1.33). Facts of an existing
// ecosystem, to be spelled exactly; nothing here decides anything.

export const NYDUS_MEDIA_TYPES = {
  /** A data layer: one blob of chunks, not compressed as a whole. */
  blob: 'application/vnd.oci.image.layer.nydus.blob.v1',
  /** The config of an accelerated manifest inside a merged index, so that an ordinary runtime skips it. */
  config: 'application/vnd.nydus.image.config.v1+json',
  /** `artifactType` of an accelerated manifest and of its index entry. */
  manifestArtifact: 'application/vnd.nydus.image.manifest.v1+json',
} as const;

/** Older merged indexes mark the accelerated entry by this feature in its platform's `os.features`. */
export const NYDUS_OS_FEATURE = 'nydus.remoteimage.v1';

/** Annotations on layers, in a manifest. Values are strings; flags are "true". */
export const NYDUS_ANNOTATIONS = {
  blob: 'containerd.io/snapshot/nydus-blob',
  bootstrap: 'containerd.io/snapshot/nydus-bootstrap',
  fsVersion: 'containerd.io/snapshot/nydus-fs-version',
  blobDigest: 'containerd.io/snapshot/nydus-blob-digest',
  blobSize: 'containerd.io/snapshot/nydus-blob-size',
  sourceChainId: 'containerd.io/snapshot/nydus-source-chainid',
  sourceDigest: 'containerd.io/snapshot/nydus-source-digest',
  targetDigest: 'containerd.io/snapshot/nydus-target-digest',
  referenceBlobIds: 'containerd.io/snapshot/nydus-reference-blob-ids',
  encryptedBlob: 'containerd.io/snapshot/nydus-encrypted-blob',
  /** The layer's diff id: digest of what the layer is when uncompressed. */
  uncompressed: 'containerd.io/uncompressed',
} as const;

/** `created_by` of the extra history entry that stands for the bootstrap layer. */
export const NYDUS_BOOTSTRAP_HISTORY = 'Nydus Bootstrap Layer';

/** Where the bootstrap stands in the tar of the bootstrap layer. */
export const NYDUS_BOOTSTRAP_PATH = 'image/image.boot';
