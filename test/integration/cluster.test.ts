// shoal cluster from the command line: what docs/operations.md tells to do, and what is refused.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { until } from '../support/peers.ts';
import { makeShoal } from '../support/shoal.ts';

suite('shoal cluster', { timeout: 120_000 }, () => {
  test('makes a key, certifies nodes, shows what a file says, and revokes', async t => {
    const shoal = await makeShoal(t);
    const cluster = join(shoal.scratch, 'cluster');
    const key = join(cluster, 'cluster.key');
    await shoal.ok('cluster', 'init', cluster);
    assert.equal((await stat(key)).mode & 0o777, 0o600);
    const peerId = (await shoal.ok('cluster', 'id')).trim();
    assert.equal((await shoal.ok('cluster', 'id')).trim(), peerId);

    const certificate = join(shoal.scratch, 'node.cert');
    await shoal.ok(
      'cluster',
      'certify',
      '--key',
      key,
      '--peer',
      peerId,
      '--role',
      'scheduler',
      '--days',
      '2',
      '-o',
      certificate,
    );
    const shown = (await shoal.json('cluster', 'show', '--key', join(cluster, 'cluster.pub'), certificate)) as Record<
      string,
      string
    >;
    const { notBefore = '', notAfter = '', serial = '', ...rest } = shown;
    assert.match(serial, /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, { kind: 'certificate', peerId, roles: ['scheduler'], checked: true });
    assert.equal(Date.parse(notAfter) - Date.parse(notBefore), 2 * 86_400_000);

    const ids = join(shoal.scratch, 'ids.txt');
    await writeFile(ids, `${peerId}\n\n${peerId}\n`);
    await shoal.ok('cluster', 'certify', '--key', key, '--peers', ids, '--out', join(shoal.scratch, 'many'));
    assert.match(
      await readFile(join(shoal.scratch, 'many', `${peerId}.cert`), 'utf8'),
      /^-----BEGIN SHOAL CERTIFICATE-----\n/,
    );

    await shoal.ok('cluster', 'revoke', '--key', key, '--peer', peerId);
    const second = (await shoal.json('cluster', 'revoke', '--key', key, '--peer', peerId)) as Record<string, unknown>;
    assert.deepEqual([second['version'], second['peerIds']], [2, [peerId]]);
  });

  test('refuses by name what it cannot use, and never replaces a key', async t => {
    const shoal = await makeShoal(t);
    const cluster = join(shoal.scratch, 'cluster');
    await shoal.ok('cluster', 'init', cluster);
    const before = await readFile(join(cluster, 'cluster.key'), 'utf8');
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['init', cluster], 75, /cluster\.key exists already/],
      [['certify', '--key', join(cluster, 'cluster.pub'), '--peer', 'x'], 71, /cluster\.pub: mode 0644, expected 0600/],
      [['certify', '--key', join(cluster, 'cluster.key'), '--peer', 'x'], 64, /"x" is no peer id/],
      [['certify', '--key', join(cluster, 'cluster.key')], 64, /no peer is named/],
      [['certify', '--key', join(cluster, 'nothing'), '--peer', 'x'], 66, /nothing/],
      [['show', join(cluster, 'cluster.key'), '--key', join(cluster, 'none')], 66, /none/],
      [['show', join(import.meta.dirname, '../../package.json')], 65, /expected the public Ed25519 key/],
    ];
    for (const [args, code, message] of cases) {
      const result = await shoal.run('cluster', ...args);
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, message);
    }
    assert.equal(await readFile(join(cluster, 'cluster.key'), 'utf8'), before);
    assert.doesNotMatch(await shoal.ok('cluster', 'show', join(cluster, 'cluster.key')), /PRIVATE|MC4/);
  });

  test('a node that had its key made before its first daemon starts one all the same', async t => {
    const shoal = await makeShoal(t);
    const peerId = await shoal.ok('cluster', 'id');
    const version = join(shoal.root, 'version');
    const { code, stderr } = await shoal.interrupted(() => until(() => existsSync(version)), 'daemon');
    assert.equal(existsSync(version), true, stderr);
    assert.notEqual(code, 64, stderr);
    assert.equal(await shoal.ok('cluster', 'id'), peerId);
  });
});
