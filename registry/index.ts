// The public door of registry: images by reference, in registries and OCI layouts, to read, to write, chunk by chunk.
export type { BlobReader } from './blob-reader.ts';
export { type Credential, credentialOf } from './credential.ts';
export * from './credentials.ts';
export type { HostSettingsTable, RegistryHostSettings } from './host-settings.ts';
export type { HttpTimeouts } from './http.ts';
export { DEFAULT_TIMEOUTS } from './http.ts';
export * from './manifest.ts';
export * from './nydus-media.ts';
export * from './open.ts';
export { OriginSource } from './origin.ts';
export { PinnedSource } from './pinned-source.ts';
export { chooseEntry, formatPlatform, isArtifact, isNydus, parsePlatform, platformOf } from './platform.ts';
export type { ProxySettings } from './proxy.ts';
export * from './reference.ts';
export { isReferrerTag, MAX_REFERRERS } from './referrer-tags.ts';
export type { RegistryAccessOptions } from './registry-client.ts';
export { RegistryAccess } from './registry-client.ts';
export * from './verified-stream.ts';
