// The bed on which the swarm is measured and hurt: links are what they were made, nothing is left of a run, and starts and
// scenarios go through on plain daemons.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { measureStart } from '../../bench/swarm/start.ts';
import { ORIGIN_SCENARIOS } from '../chaos/origin-scenarios.ts';
import { play } from '../chaos/runner.ts';
import { noDockerRegistry } from '../support/docker-registry.ts';
import { flowMbit } from '../support/swarm/flow.ts';
import { buildSwarmImage } from '../support/swarm/image.ts';
import { namespaces, payloadOf, REGISTRY, type ShapedNetwork } from '../support/swarm/network.ts';
import { OriginProxy } from '../support/swarm/origin-proxy.ts';
import { OriginRegistry } from '../support/swarm/registry.ts';
import { nameOf, ownKey, type RunKey } from '../support/swarm/run-key.ts';
import { removeRemains, type TestBed, withTestBed } from '../support/swarm/test-bed.ts';

const TOOLS = ['/usr/sbin/ip', '/usr/sbin/tc', '/usr/sbin/iptables', '/usr/bin/skopeo', '/usr/bin/python3'];
const missingTool = TOOLS.find(path => !existsSync(path));
const notHere =
  process.getuid?.() !== 0 ? 'needs root' : missingTool ? `${missingTool} is not installed` : noDockerRegistry;

const BED_MODULE = pathToFileURL(resolve(import.meta.dirname, '../support/swarm/test-bed.ts')).href;
const MIB = 4;
const MBIT = 100;
/** A receiver that had to wait for a processor finds more than came meanwhile. */
const BACKLOG = 1.5;

/** Makes a bed, says whose it is, and stays. */
const ENDLESS_RUN = `
  const { withTestBed } = await import('${BED_MODULE}');
  const { ownKey } = await import('${new URL('run-key.ts', BED_MODULE).href}');
  await withTestBed({ nodes: 1, mbit: 10 }, async () => {
    console.log(JSON.stringify(ownKey()));
    await new Promise(() => setInterval(() => {}, 1000));
  });`;

/** Its namespaces and directories. */
async function remainsOf(key: RunKey): Promise<string[]> {
  const all = [...(await namespaces()), ...(await readdir(tmpdir()))];
  return all.filter(name => `${name}-`.startsWith(`${nameOf(key)}-`));
}

/** Whether a packet gets through: a port where nobody listens refuses at once, where one can get to it. */
async function reaches(network: ShapedNetwork, from: string, to: string): Promise<boolean> {
  const script = `import socket
try:
    socket.create_connection(('${network.address(to)}', 9), timeout=2)
except ConnectionRefusedError:
    print('refused')
except TimeoutError:
    print('silence')`;
  const said = (await network.inside(from, ['python3', '-c', script])).trim();
  assert.match(said, /^(refused|silence)$/);
  return said === 'refused';
}

async function pushedImage(bed: TestBed, registry: OriginRegistry) {
  const source = await buildSwarmImage(join(bed.directory, 'image'), { mib: MIB, seed: 1 });
  const reference = await registry.take(source.reference, 'app');
  const { layers } = await registry.manifest('app');
  return { reference, files: source.files, layers };
}

suite('a bed of shaped links', { skip: notHere, timeout: 300_000 }, () => {
  test('links carry no more than they were made for, also after a change, and count it', async () => {
    await withTestBed({ nodes: 2, mbit: 20 }, async ({ network }) => {
      const before = await network.traffic('n1');
      const [first, second] = [await flowMbit(network, 'n1', 'n2', 1), await flowMbit(network, 'n2', 'n1', 1)];
      for (const rate of [first, second]) assert.ok(rate < 20 * BACKLOG, `${rate} Mbit/s`);
      const after = await network.traffic('n1');
      assert.ok(payloadOf(after.upBytes - before.upBytes) > (first * 1e6) / 8, 'fewer bytes than the flow had');
      await network.setRate('n1', 4, 8);
      const [up, down] = [await flowMbit(network, 'n1', 'n2', 1), await flowMbit(network, 'n2', 'n1', 1)];
      assert.ok(up < 4 * BACKLOG && down < 8 * BACKLOG, `${up} up, ${down} down`);
    });
    assert.deepEqual(await remainsOf(ownKey()), []);
  });

  test('nothing passes between the sides of a partition, until it heals; who is on neither side reaches both', async () => {
    await withTestBed({ nodes: 3, mbit: MBIT }, async ({ network }) => {
      await network.partition([['n1'], ['n2', REGISTRY]]);
      assert.equal(await reaches(network, 'n1', 'n2'), false);
      assert.equal(await reaches(network, REGISTRY, 'n1'), false);
      assert.equal(await reaches(network, 'n2', REGISTRY), true);
      assert.equal(await reaches(network, 'n3', 'n1'), true);
      assert.equal(await reaches(network, 'n3', 'n2'), true);
      await network.heal();
      assert.equal(await reaches(network, 'n1', 'n2'), true);
    });
  });

  test('what a killed run has left is removed by the next one', async t => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', ENDLESS_RUN], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    t.after(async () => {
      child.kill('SIGKILL');
      await exited;
      await removeRemains();
    });
    const [line] = await once(child.stdout, 'data');
    const key: RunKey = JSON.parse(String(line));
    await removeRemains();
    assert.equal((await remainsOf(key)).length, 5, 'a live run keeps its four namespaces and its directory');
    child.kill('SIGKILL');
    await exited;
    assert.equal((await remainsOf(key)).length, 5);
    await removeRemains();
    assert.deepEqual(await remainsOf(key), []);
  });

  test('a run that is interrupted takes everything away before it ends', async t => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', ENDLESS_RUN], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
    assert.deepEqual(await remainsOf(JSON.parse(String(line))), []);
  });

  test('two plain daemons that start one image take it twice from the origin, as fast as its link lets them', async () => {
    await withTestBed({ nodes: 2, mbit: MBIT }, async bed => {
      const registry = await OriginRegistry.start({ network: bed.network, directory: join(bed.directory, 'registry') });
      bed.onEnd(() => registry.stop());
      const { reference, files, layers } = await pushedImage(bed, registry);
      const blobBytes = layers.slice(0, -1).reduce((sum, { size }) => sum + size, 0);
      const blobs = layers.slice(0, -1).map(({ digest }) => digest);
      const what = { reference, blobs, files, program: [] };
      const plan = { mode: 'bulk', nodes: 2, hasPeers: false, before: undefined, limitMs: 60_000, ...what } as const;
      const sample = await measureStart(bed, registry, plan);
      assert.equal(sample.neededBytes, blobBytes);
      // Less by what a blob has besides chunks, which nobody reads.
      assert.ok(sample.originBlobBytes > 1.95 * blobBytes && sample.originBlobBytes < 2.2 * blobBytes);
      assert.ok(sample.originBodyBytes > sample.originBlobBytes);
      assert.ok(sample.originLinkBytes > sample.originBodyBytes && sample.originLinkBytes < 2.3 * blobBytes);
      const least = (2 * blobBytes * 1000) / ((MBIT * 1e6) / 8);
      assert.ok(Math.max(...sample.finishMs) > 0.95 * least, `${sample.finishMs} ms, and the link takes ${least}`);
    });
  });

  for (const scenario of ORIGIN_SCENARIOS.filter(({ name }) => ['origin-503', 'origin-cut'].includes(name))) {
    test(`every byte is right although ${scenario.about}`, async () => {
      await withTestBed({ nodes: 2, mbit: MBIT }, async bed => {
        const place = { network: bed.network, directory: join(bed.directory, 'registry') };
        const registry = await OriginRegistry.start(place, { behind: 5001 });
        bed.onEnd(() => registry.stop());
        const target = { host: '127.0.0.1', port: 5001 };
        const proxy = await OriginProxy.start(bed.network, { listen: registry.address, target, seed: 1 });
        bed.onEnd(() => proxy.stop());
        const image = await pushedImage(bed, registry);
        const theatre = { bed, registry, proxy, image, seed: 1, hasPeers: false, limitMs: 120_000 };
        const played = await play(theatre, scenario, 20_000);
        assert.deepEqual(played.faults, []);
        assert.ok(proxy.faulted > 0, 'no request met a fault');
      });
    });
  }
});
