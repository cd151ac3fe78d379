// Conversions as a person types them: archives, whole indexes, what refers to the original, and the proof at the end.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { CompareReport } from '../../converter/index.ts';
import { parseManifest } from '../../registry/index.ts';
import { cosignTag, sampleReferrer } from '../conformance/referrers.ts';
import { dockerArchive } from '../support/docker-archive.ts';
import { blobPath, buildImage, buildIndex } from '../support/image-builder.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts';
import { makeShoal } from '../support/shoal.ts';
import { type TarItem, tarOf } from '../support/tar-bytes.ts';
import { until } from '../support/until.ts';

const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const FILES: readonly TarItem[] = [
  { path: 'etc/' },
  { path: 'etc/motd', content: 'welcome\n' },
  { path: 'etc/link', type: 'hardlink', target: 'etc/motd' },
];
const noFuse = existsSync('/dev/fuse') && process.getuid?.() === 0 ? false : 'needs root and /dev/fuse';

interface Originals {
  readonly subjects: readonly string[];
  readonly count: number;
  readonly types: Readonly<Record<string, number>>;
  readonly attestations: number;
  readonly copied?: number;
  readonly problem?: string;
}

/** A layout's image, put into a registry; its manifest. */
async function publish(t: TestContext, registry: MemoryRegistry, layers: readonly (readonly TarItem[])[]) {
  const shoal = await makeShoal(t);
  const directory = join(shoal.scratch, 'published');
  const spec = { layers: layers.map(tar => ({ tar, compression: 'none' as const })) };
  const { manifestDigest } = await buildImage(directory, spec);
  const bytes = await readFile(blobPath(directory, manifestDigest));
  const { config, layers: descriptors } = parseManifest(bytes, 'published');
  for (const { digest, mediaType } of [config, ...descriptors]) {
    registry.putBlob('app', await readFile(blobPath(directory, digest)), mediaType);
  }
  return registry.putManifest('app', '1', bytes, 'application/vnd.oci.image.manifest.v1+json');
}

suite('conversions', { timeout: 480_000 }, () => {
  test('docker save in, OCI archive out, proven equal, and mounted from the archive', { skip: noFuse }, async t => {
    const shoal = await makeShoal(t);
    const saved = join(shoal.scratch, 'saved.tar');
    const tar = tarOf(FILES);
    const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
    const config = { os: 'linux', architecture: ARCHITECTURE, rootfs: { type: 'layers', diff_ids: [diffId] } };
    const image = { names: ['app:1'], config: JSON.stringify(config), layers: [{ bytes: tar }] };
    await writeFile(saved, dockerArchive([image]));
    const target = `oci-archive:${join(shoal.scratch, 'converted.tar')}:app`;
    assert.match(
      await shoal.ok('convert', `docker-archive:${saved}:app:1`, target),
      /note +signatures, SBOMs and attestations belong to the original, sha256:/,
    );
    const told = await shoal.ok('check', '--source', `docker-archive:${saved}`, target);
    assert.match(told, /\d+ chunks and [1-9]\d* pieces verified\nequals .*every byte\n/);
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);
    await shoal.ok('mount', target, mountpoint);
    assert.equal(await readFile(join(mountpoint, 'etc/link'), 'utf8'), 'welcome\n');
    await shoal.ok('umount', mountpoint);
    assert.deepEqual((await readdir(shoal.scratch)).sort(), ['converted.tar', 'mnt', 'saved.tar']);
  });

  test('check --source tells what differs, in words and in JSON, and ends with 65', async t => {
    const shoal = await makeShoal(t);
    const layout = join(shoal.scratch, 'layout');
    const original = await buildImage(layout, { tag: 'original', layers: [{ tar: FILES }] });
    const tar = FILES.map(item => (item.path === 'etc/motd' ? { ...item, content: 'Welcome\n' } : item));
    const other = await buildImage(layout, { tag: 'other', layers: [{ tar }] });
    const converted = `oci:${shoal.scratch}/converted:app`;
    await shoal.ok('convert', other.reference, converted);
    const told = await shoal.run('check', '--source', original.reference, converted);
    assert.equal(told.code, 65);
    assert.match(told.stdout, /difference: \/etc\/link: content: expected the original file, found other bytes/);
    assert.match(told.stderr, /differs from .*@sha256:[0-9a-f]+ in one place/);
    const { stdout, code } = await shoal.run('--json', 'check', '--source', original.reference, converted);
    assert.equal(code, 65);
    const { comparison }: { comparison: CompareReport } = JSON.parse(stdout);
    assert.equal(comparison.original.digest, original.manifestDigest);
    assert.deepEqual(
      comparison.differences.map(({ path, kind }) => [path, kind]),
      [['/etc/link', 'content']],
    );
  });

  test('what refers to the original is counted, and copied when asked', async t => {
    const shoal = await makeShoal(t);
    const registry = await startMemoryRegistry(t);
    const manifest = await publish(t, registry, [FILES]);
    const signature = sampleReferrer(manifest, 'cosign signature', cosignTag(manifest.digest, 'sig'));
    for (const { bytes, descriptor } of signature.blobs) registry.putBlob('app', bytes, descriptor.mediaType);
    registry.putManifest(
      'app',
      signature.referrer.tag,
      signature.manifest.bytes,
      signature.manifest.descriptor.mediaType,
    );
    const from = ['--plain-http', `${registry.host}/app:1`];
    const { originals } = (await shoal.json('convert', ...from, `oci:${shoal.scratch}/a:app`)) as {
      originals: Originals;
    };
    const types = { 'cosign signature': 1 };
    assert.deepEqual(originals, { subjects: [manifest.digest], count: 1, types, attestations: 0 });
    const told = await shoal.ok('convert', '--copy-referrers', ...from, `${registry.host}/copy:1`);
    assert.match(told, /1 refers to it: 1 cosign signature\n +1 copied, with the original they are about/);
    const copy = registry.repository('copy');
    assert.equal(copy.tags.get(cosignTag(manifest.digest, 'sig')), signature.referrer.descriptor.digest);
    assert.ok(copy.manifests.has(manifest.digest));
    const same = (await shoal.json('convert', '--copy-referrers', ...from, `${registry.host}/app:shoal`)) as {
      originals: Originals;
    };
    assert.equal(same.originals.copied, 0, 'they are in the target already');
  });

  test('a registry that does not say what refers to the original does not stop a conversion, unless it must', async t => {
    const shoal = await makeShoal(t);
    const registry = await startMemoryRegistry(t);
    await publish(t, registry, [FILES]);
    const from = ['--plain-http', `${registry.host}/app:1`];
    registry.failNext({ status: 403, count: 100, matching: 'sha256-' });
    const { originals } = (await shoal.json('convert', ...from, `oci:${shoal.scratch}/a:app`)) as {
      originals: Originals;
    };
    assert.match(originals.problem ?? '', /answered 403/);
    const result = await shoal.run('convert', '--copy-referrers', ...from, `oci:${shoal.scratch}/b:app`);
    assert.equal(result.code, 77);
    assert.equal(existsSync(join(shoal.scratch, 'b')), false);
  });

  test('all platforms go into one index, and attestations are said to stay behind', async t => {
    const shoal = await makeShoal(t);
    const platforms = ['amd64', 'arm64'].map(architecture => ({ os: 'linux', architecture }));
    const unknown = { os: 'unknown', architecture: 'unknown' };
    const images = [...platforms, unknown].map(platform => ({ platform, layers: [{ tar: FILES }] }));
    const { reference } = await buildIndex(join(shoal.scratch, 'layout'), { tag: 'app', images });
    const target = `oci:${shoal.scratch}/converted:app`;
    const told = await shoal.ok('convert', '--platform', 'all', '--merge-index', reference, target);
    assert.match(told, /^linux\/amd64, beside the original\n/m);
    assert.match(told, /^linux\/arm64, beside the original\n/m);
    assert.match(told, /left out +[0-9a-f]{12}: an attestation/);
    assert.match(told, /1 attestation manifest in its index is left out/);
    for (const { architecture } of platforms) {
      const platform = ['--platform', `linux/${architecture}`];
      assert.match(await shoal.ok('check', ...platform, '--source', target, target), /\nequals /);
    }
  });

  test('Ctrl-C leaves nothing of an archive that was on its way', async t => {
    const shoal = await makeShoal(t);
    const registry = await startMemoryRegistry(t);
    await publish(t, registry, [FILES, [{ path: 'large', content: randomBytes(4 << 20) }]]);
    registry.knobs.bytesPerSecond = 400_000;
    const directory = join(shoal.scratch, 'target');
    await mkdir(directory);
    const result = await shoal.interrupted(
      () => until(async () => (await readdir(directory)).length > 0, 'for the first blob to be in the archive'),
      ...['convert', '--plain-http', `${registry.host}/app:1`, `oci-archive:${directory}/app.tar:1`],
    );
    assert.equal(result.code, 130);
    assert.deepEqual(await readdir(directory), []);
  });

  test('places that cannot hold the result are refused by name, before anything is made', async t => {
    const shoal = await makeShoal(t);
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), { layers: [{ tar: FILES }] });
    const target = join(shoal.scratch, 'x.tar');
    for (const [args, code, message] of [
      [[reference, `docker-archive:${target}:app:1`], 67, /docker load takes ordinary images only/],
      [['--format', 'docker', reference, `oci:${target}:app`], 64, /Docker's format is for registries/],
      [['--format', 'docker', reference, `oci-archive:${target}:app`], 64, /Docker's format is for registries/],
      [['--format', 'tar', reference, 'localhost/app'], 64, /Allowed choices are oci, docker/],
      [['--merge-index', '--format', 'docker', reference, 'localhost/app'], 64, /merged index has the OCI format/],
    ] as const) {
      const result = await shoal.run('convert', ...args);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, message);
    }
    assert.deepEqual(await readdir(shoal.scratch), ['layout']);
  });
});
