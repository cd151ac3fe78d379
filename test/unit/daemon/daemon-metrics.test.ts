// What a daemon tells about its mounts: their state and rates in the list, and the page for Prometheus.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultServeLimits } from '../../../daemon/index.ts';
import { until } from '../../support/until.ts';
import { mountpointIn, runOutside, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { killableImage, libraryOf, requestFor } from './lazy-image.ts';

/** The value of one line of the page. */
function value(page: string, series: string): number {
  const line = page.split('\n').find(text => text.startsWith(`${series} `));
  assert.ok(line, `${series} is not in the page:\n${page}`);
  return Number(line.slice(series.length));
}

test('counters of reads and fetches stay when their mount goes; gauges follow what is there', async t => {
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  for (let time = 0; time < 2; time++) await runOutside('cat', join(mountpoint, 'folder/file'));
  await runOutside('cat', join(mountpoint, 'cached'));
  const [info] = await daemon.list();
  assert.ok(info && info.stats.bytesPerSecond > 0 && info.stats.requestsPerSecond > 0);
  assert.equal(info.state.name, 'ready');
  assert.ok(info.state.since >= info.mountedAt);

  const before = (await daemon.metrics()).text;
  assert.equal(value(before, 'shoal_mounts{driver="fuse"}'), 1);
  assert.equal(value(before, 'shoal_reads_total{result="miss"}'), info.stats.misses);
  assert.equal(value(before, 'shoal_fetch_bytes_total{source="memory"}'), info.stats.fetchedBytes);
  assert.ok(value(before, 'shoal_cache_bytes') >= info.stats.fetchedBytes);
  assert.ok(value(before, 'shoal_cache_free_bytes') > 0);
  assert.ok(value(before, 'process_resident_memory_bytes') > 0);

  await daemon.unmount(mountpoint, { signal });
  const after = (await daemon.metrics()).text;
  assert.doesNotMatch(after, /^shoal_mounts\{/m);
  assert.equal(value(after, 'shoal_reads_total{result="miss"}'), info.stats.misses);
  assert.ok(value(after, 'shoal_reads_total{result="hit"}') >= info.stats.hits);
});

test('a mount whose reads wait for long is stalled since the first of them began to wait, and ready again after', async t => {
  const image = killableImage();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image), {
    limits: { serve: { ...defaultServeLimits, slowReadMs: 40 } },
  });
  const mountpoint = mountpointIn(scratch(t));
  const { state } = await daemon.mount(requestFor(image, mountpoint), { signal });
  const reading = runOutside('cat', join(mountpoint, 'other'));
  await until(async () => (await daemon.list())[0]?.state.name === 'stalled', 'the mount is stalled');
  await until(async () => ((await daemon.list())[0]?.stats.slowReads ?? 0) > 0, 'the slow read is counted');
  const [stalled] = await daemon.list();
  assert.ok(stalled && stalled.state.since >= state.since && stalled.stats.longestWaitMs >= 40);
  const page = (await daemon.metrics()).text;
  assert.ok(value(page, 'shoal_reads_waiting') > 0 && value(page, 'shoal_longest_wait_seconds') >= 0.04);
  image.origin.resume();
  await reading;
  await until(async () => (await daemon.list())[0]?.state.name === 'ready', 'the mount is ready again');
  assert.ok(((await daemon.list())[0]?.state.since ?? 0) > stalled.state.since);
});

test('a mount that fails is counted by the code of its error', async t => {
  const daemon = await startDaemon(t, libraryOf());
  await assert.rejects(daemon.mount(requestFor(killableImage(), mountpointIn(scratch(t))), { signal }));
  assert.equal(value((await daemon.metrics()).text, 'shoal_mount_errors_total{code="not-found"}'), 1);
});
