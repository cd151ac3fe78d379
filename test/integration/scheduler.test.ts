// shoal scheduler as an operator starts and stops it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';

const LISTEN = ['--listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];

/** A root with everything that a scheduler needs. */
async function certified(shoal: Shoal, role = 'scheduler'): Promise<void> {
  const cluster = join(shoal.scratch, 'cluster');
  await shoal.ok('cluster', 'init', cluster);
  const { peerId } = (await shoal.json('cluster', 'id')) as { peerId: string };
  const certificate = join(shoal.root, 'peer/certificate');
  const key = join(cluster, 'cluster.key');
  await shoal.ok('cluster', 'certify', '--key', key, '--peer', peerId, '--role', role, '-o', certificate);
  await copyFile(join(cluster, 'cluster.pub'), join(shoal.root, 'peer/cluster.pub'));
}

interface Line {
  readonly msg?: string;
  readonly http?: string;
  readonly peer?: string;
  readonly addresses?: readonly string[];
}

async function running(t: TestContext, shoal: Shoal) {
  const child = spawn(process.execPath, [MAIN, '--root', shoal.root, 'scheduler', ...LISTEN], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stderr })) {
    lines.push(JSON.parse(text) as Line);
    if (lines.at(-1)?.msg === 'scheduler is ready') break;
  }
  return { child, ended, ready: lines.at(-1) ?? {} };
}

test('a scheduler with a certificate listens, shows its pages, and ends cleanly at SIGTERM', async t => {
  const shoal = await makeShoal(t);
  await certified(shoal);
  const { child, ended, ready } = await running(t, shoal);
  const health = (await (await fetch(`http://${ready.http}/healthz`)).json()) as { status: string; peer: string };
  assert.equal(health.status, 'ok');
  assert.equal(health.peer, ready.peer);
  assert.match(ready.addresses?.[0] ?? '', new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${ready.peer}$`));
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

test('what is wrong with its set-up is said with a code of its own', async t => {
  const shoal = await makeShoal(t);
  const missing = await shoal.run('scheduler', ...LISTEN);
  assert.equal(missing.code, 66, missing.stderr);
  assert.match(missing.stderr, /cluster\.pub/);

  const peer = await makeShoal(t);
  await certified(peer, 'peer');
  const wrongRole = await peer.run('scheduler', ...LISTEN);
  assert.equal(wrongRole.code, 77, wrongRole.stderr);

  for (const value of ['localhost:1', '127.0.0.1', '127.0.0.1:65536', '::1:7640', '[127.0.0.1]:1', '']) {
    const wrong = await shoal.run('scheduler', '--listen', value);
    assert.equal(wrong.code, 64, `${value}: ${wrong.stderr}`);
    assert.match(wrong.stderr, /--listen .*expected an IP address and a port/);
  }
});

test('a port that somebody has is said for either of the two', async t => {
  const [first, second] = [await makeShoal(t), await makeShoal(t)];
  await Promise.all([certified(first), certified(second)]);
  const { ready } = await running(t, first);
  const [, port] = /tcp\/(\d+)/.exec(ready.addresses?.[0] ?? '') ?? [];
  const nodes = await second.run('scheduler', '--listen', `127.0.0.1:${port}`, '--http-listen', '127.0.0.1:0');
  assert.equal(nodes.code, 75, nodes.stderr);
  const pages = await second.run('scheduler', '--listen', '127.0.0.1:0', '--http-listen', ready.http ?? '');
  assert.equal(pages.code, 75, pages.stderr);
});
