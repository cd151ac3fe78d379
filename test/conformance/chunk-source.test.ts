import { ShoalError } from '../../core/index.ts';
import { PeerSource } from '../../peer/index.ts';
import { openOrigin, openSink } from '../../registry/index.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { MemorySource } from '../support/memory-source.ts';
import { MemorySwarm } from '../support/memory-swarm.ts';
import { temporaryDirectory, testAccess } from '../support/registry-targets.ts';
import { inPieces } from '../support/streams.ts';
import { chunkSourceConformance } from './chunk-source.ts';

chunkSourceConformance('in memory', async (_t, blob) => {
  const source = new MemorySource();
  source.add(blob.layout, blob.bytes);
  return {
    source,
    hang: () => source.pause(),
    breakOnce: () => source.failNext(new ShoalError('unreachable', 'broken by the test'), { after: 1 }),
  };
});

chunkSourceConformance('peers', async (_t, blob) => {
  const swarm = new MemorySwarm();
  swarm.add(blob.layout.digest, blob.bytes);
  const nowhere = { name: 'nowhere', readRange: () => inPieces(Buffer.alloc(0), 1) };
  const shared = swarm.join({ digest: blob.layout.digest, size: blob.bytes.length }, { origin: nowhere });
  return {
    source: new PeerSource(digest => (digest === blob.layout.digest ? shared : undefined)),
    hang: () => swarm.pause(),
    breakOnce: () => swarm.failNext(new ShoalError('timeout', 'broken by the test')),
  };
});

chunkSourceConformance('origin over a registry', async (t, blob) => {
  const registry = await startMemoryRegistry(t);
  registry.putBlob('sample', blob.bytes);
  return {
    source: openOrigin(`${registry.host}/sample:one`, { access: testAccess(t), plainHttp: true }),
    hang: () => registry.pause(),
    breakOnce: () => registry.failNext({ status: 503 }),
  };
});

chunkSourceConformance('origin over a registry that redirects', async (t, blob) => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.redirectBlobs = true;
  registry.putBlob('sample', blob.bytes);
  return {
    source: openOrigin(`${registry.host}/sample:one`, { access: testAccess(t), plainHttp: true }),
    hang: () => registry.pause(),
    breakOnce: () => registry.failNext({ status: 0, reset: true }),
  };
});

chunkSourceConformance('origin over a registry that ignores ranges', async (t, blob) => {
  const registry = await startMemoryRegistry(t);
  registry.knobs.ignoreRange = true;
  registry.putBlob('sample', blob.bytes);
  return {
    source: openOrigin(`${registry.host}/sample:one`, { access: testAccess(t), plainHttp: true }),
    hang: () => registry.pause(),
    breakOnce: () => registry.failNext({ status: 429 }),
  };
});

chunkSourceConformance('origin over an OCI layout', async (t, blob) => {
  const reference = `oci:${await temporaryDirectory(t)}:one`;
  const access = testAccess(t);
  const descriptor = { mediaType: 'application/octet-stream', digest: blob.layout.digest, size: blob.bytes.length };
  const signal = new AbortController().signal;
  await openSink(reference, { access }).putBlob(descriptor, () => inPieces(blob.bytes, 50_000), { signal });
  return { source: openOrigin(reference, { access }) };
});
