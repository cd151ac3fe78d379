// The baseline of the demonstration: what an ordinary runtime does before a program can start. All layers are
// downloaded over the same link (three at a time, as containerd does), each checked against its digest, then unpacked
// in order with the system's tar, whiteouts applied.

import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import type { ImageSource, Platform } from '../../core/index.ts';
import { parseConfig, parseManifest, type RuntimeConfig } from '../../registry/index.ts';

const run = promisify(execFile);
/** containerd's default for max_concurrent_downloads. */
const PARALLEL_DOWNLOADS = 3;
const WHITEOUT = '.wh.';

/** Pulls and unpacks into `rootfs`; returns how the image wants to be run. Downloads go below `workDir` and are removed. */
export async function pullAndUnpack(
  source: ImageSource,
  platform: Platform,
  paths: { readonly workDir: string; readonly rootfs: string },
  signal: AbortSignal,
): Promise<RuntimeConfig> {
  await mkdir(paths.rootfs, { recursive: true });
  const fetched = await source.manifest(platform, { signal });
  const manifest = parseManifest(fetched.bytes, source.name);
  const config = parseConfig(await source.document(manifest.config, { signal }), source.name);
  const limit = pLimit(PARALLEL_DOWNLOADS);
  const downloads = manifest.layers.map((layer, index) =>
    limit(async () => {
      const path = join(paths.workDir, `layer-${index}.tar.gz`);
      await pipeline(source.blob(layer, { signal }), createWriteStream(path));
      return path;
    }),
  );
  for (const download of downloads) {
    const path = await download;
    await run('tar', ['-xpzf', path, '-C', paths.rootfs, '--numeric-owner'], { signal });
    await applyWhiteouts(path, paths.rootfs, signal);
    await rm(path);
  }
  return config.config ?? {};
}

async function applyWhiteouts(layer: string, rootfs: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await run('tar', ['-tzf', layer, '--wildcards', `*${WHITEOUT}*`], {
    signal,
    maxBuffer: 64 << 20,
  }).catch(
    () => ({ stdout: '' }), // tar fails when nothing matches
  );
  for (const marker of stdout.split('\n').filter(line => basename(line).startsWith(WHITEOUT))) {
    const hidden = join(dirname(marker), basename(marker).slice(WHITEOUT.length));
    await rm(join(rootfs, marker), { force: true });
    await rm(join(rootfs, hidden), { recursive: true, force: true });
  }
}
