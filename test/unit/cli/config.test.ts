// The configuration: which of several values wins, and what is said about wrong ones.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CONFIG_KEYS, KEYS } from '../../../cli/config/keys.ts';
import { resolveConfig } from '../../../cli/config/resolve.ts';
import { suggestion } from '../../../cli/config/suggestion.ts';
import { readSettings } from '../../../cli/settings.ts';
import { defaultFetchLimits, defaultServeLimits, defaultStoreLimits, fetchLimits } from '../../../daemon/index.ts';

function withFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'config.toml');
  writeFileSync(path, text);
  return path;
}

test('a flag goes before the environment, that before the file, that before the default, and each says whence it is', t => {
  const config = withFile(t, '# comment\nlog-level = "warn"\nroot = "/file"\nread-deadline = 7\n');
  const env = { SHOAL_CONFIG: config, SHOAL_ROOT: '/env', SHOAL_LOG_LEVEL: 'debug' };
  const { values, origin } = resolveConfig({ root: '/flag' }, env);
  assert.equal(values.root, '/flag');
  assert.equal(values['log-level'], 'debug');
  assert.equal(values['read-deadline'], 7);
  assert.equal(values.driver, 'auto');
  assert.deepEqual((['root', 'log-level', 'read-deadline', 'driver'] as const).map(origin), [
    '--root',
    'SHOAL_LOG_LEVEL',
    `${config}:4`,
    'default',
  ]);
});

test('a variable that is set to nothing is as one that is not set', () => {
  const { values, origin } = resolveConfig({}, { SHOAL_LOG_LEVEL: '', SHOAL_CONFIG: '' });
  assert.deepEqual([values['log-level'], origin('log-level')], ['info', 'default']);
});

test('a file that was named must exist; the default one need not', () => {
  assert.throws(() => resolveConfig({ config: '/nowhere/shoal.toml' }, {}), {
    code: 'not-found',
    message: /\/nowhere\/shoal\.toml/,
  });
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown key', 'raed-deadline = 3', /:2: unknown key raed-deadline; did you mean read-deadline\?/],
  ['a key like no other', 'colour = 3', /:2: unknown key colour; known are root, /],
  ['a number as text', 'read-deadline = "3"', /:2: read-deadline = "3": expected a whole number of seconds from 1 to/],
  ['a number out of range', 'serve-workers = 65', /:2: serve-workers = 65: expected a whole number from 1 to 64/],
  ['a number with a fraction', 'serve-workers = 1.5', /:2: serve-workers = 1.5: expected a whole number/],
  ['a word that is not allowed', 'driver = "magic"', /:2: driver = "magic": expected one of auto, fuse/],
  ['a relative path', 'root = "here"', /:2: root = "here": expected an absolute path/],
  ['no TOML', 'root = = 1', /:2:8: no valid TOML/],
  ['registries that are no tables', 'registry = 3', /:2: registry = 3: expected a table/],
  [
    'an unknown key of a registry',
    '[registry."a.b"]\nmirors = []',
    /:3: unknown key registry\."a\.b"\.mirors; did you/,
  ],
  ['a name that is no host', '[registry.foo]\ninsecure = true', /registry "foo": expected a host/],
  [
    'half a client certificate',
    '[registry."a.b"]\nclient-key = "/k"',
    /:3: registry\."a\.b": client-key needs client-cert/,
  ],
  ['one host twice', '[registry."docker.io"]\n[registry."index.docker.io"]', /"docker\.io" is there twice/],
];
for (const [what, text, message] of REFUSED) {
  test(`a file with ${what} is refused with the line, and what was expected`, t => {
    const config = withFile(t, `# first line\n${text}\n`);
    assert.throws(() => resolveConfig({ config }, {}), { code: 'usage', message });
  });
}

test('a wrong mirror with a password is refused without telling the password', t => {
  const config = withFile(t, '[registry."a.b"]\nmirrors = [\n  "https://user:hunter2@mirror.example",\n]\n');
  assert.throws(
    () => resolveConfig({ config }, {}),
    (error: Error) => /without user name/.test(error.message) && !error.message.includes('hunter2'),
  );
});

test('registries come by the name that references have, in the shape that the registry client takes', t => {
  const config = withFile(
    t,
    `[registry."index.docker.io"]
     mirrors = ["mirror.example:5000", "http://10.0.0.1"]
     [registry."localhost:5000"]
     plain-http = true
     ca = "/ca"
     client-cert = "/cert"
     client-key = "/key"`,
  );
  assert.deepEqual(resolveConfig({ config }, {}).registries, {
    'docker.io': { mirrors: ['mirror.example:5000', 'http://10.0.0.1'] },
    'localhost:5000': { plainHttp: true, ca: '/ca', clientCert: '/cert', clientKey: '/key' },
  });
});

test('a wrong value of a flag or a variable is refused by its name', () => {
  assert.throws(() => resolveConfig({ 'read-deadline': '0' }, {}), {
    message: /^--read-deadline "0": expected a whole/,
  });
  assert.throws(() => resolveConfig({ root: '' }, {}), { message: '--root "": expected an absolute path' });
  assert.throws(() => resolveConfig({}, { SHOAL_DRIVER: 'x' }), { message: /^SHOAL_DRIVER "x": expected one of auto/ });
});

test('a misspelled variable is refused by name; those that Kubernetes makes for a service are not', () => {
  assert.throws(() => resolveConfig({}, { SHOAL_ROOTT: '/x' }), {
    code: 'usage',
    message: 'unknown variable SHOAL_ROOTT; did you mean SHOAL_ROOT?',
  });
  resolveConfig({}, { SHOAL_SCHEDULER_SERVICE_HOST: 'h', SHOAL_PORT_80_TCP_ADDR: 'a', SHOAL_SERVICE_PORT_HTTP: '1' });
});

test('settings cannot be changed once they are read', t => {
  const config = withFile(t, '[registry."a.b"]\nmirrors = ["m.example"]\n');
  const settings = readSettings({ config }, {});
  assert.ok(Object.isFrozen(settings) && Object.isFrozen(settings.daemon));
  assert.ok(Object.isFrozen(settings.registries['a.b']?.mirrors));
});

test("the table's defaults of the daemon's numbers are the daemon's", () => {
  assert.equal(KEYS['serve-workers'].fallback, defaultServeLimits.workers);
  assert.equal(KEYS['store-workers'].fallback, defaultStoreLimits.workers);
  assert.equal(KEYS['fetch-requests'].fallback, defaultFetchLimits.requestsPerSource);
  assert.deepEqual(fetchLimits(defaultFetchLimits.requestsPerSource), defaultFetchLimits);
  assert.deepEqual(fetchLimits(1).requestsPerLane, { demand: 1, trace: 1, background: 1 });
});

test('a suggestion is a likely slip, or none', () => {
  assert.equal(suggestion('raed-deadline', CONFIG_KEYS), 'read-deadline');
  assert.equal(suggestion('rot', CONFIG_KEYS), 'root');
  assert.equal(suggestion('colour', CONFIG_KEYS), undefined);
});

test('lists have commas between in a variable, and both forms of an address become multiaddrs', t => {
  const config = withFile(t, 'peer-listen = ["[::1]:7744", "/ip4/10.0.0.1/tcp/7744"]\n');
  const id = '12D3KooWQYzj9k6mQPqR5tqUqT3rZc6g1xqoC3dWqv7pX9w3uJ8m';
  const { peers } = readSettings(
    { config, root: '/root-dir' },
    {
      SHOAL_PEER_ANNOUNCE: 'node1.example:7744, 192.0.2.1:1',
      SHOAL_SCHEDULERS: `/dns4/one.example/tcp/7640/p2p/${id},/ip4/192.0.2.2/tcp/7640/p2p/${id}`,
      SHOAL_PEER_LOCATION: 'eu|eu-1',
      SHOAL_PEER_UPLOAD_RATE: '3',
    },
  );
  assert.deepEqual(peers, {
    listen: ['/ip6/::1/tcp/7744', '/ip4/10.0.0.1/tcp/7744'],
    announce: ['/dns/node1.example/tcp/7744', '/ip4/192.0.2.1/tcp/1'],
    schedulers: [`/dns4/one.example/tcp/7640/p2p/${id}`, `/ip4/192.0.2.2/tcp/7640/p2p/${id}`],
    bootstrap: [],
    location: { region: 'eu', zone: 'eu-1' },
    uploadSlots: 8,
    uploadBytesPerSecond: 3 << 20,
    pieceCacheBytes: 1 << 30,
  });
});

test('without peer-listen there is no swarm; key and certificate lie below the root unless they are said to lie elsewhere', () => {
  const settings = (env: Record<string, string>) => readSettings({ config: '/dev/null', root: '/root-dir' }, env);
  assert.equal(settings({ SHOAL_CLUSTER_KEY: '/etc/cluster.pub' }).peers, undefined);
  assert.deepEqual(settings({ SHOAL_CLUSTER_KEY: '/etc/cluster.pub' }).cluster, {
    keyFile: '/etc/cluster.pub',
    certificateFile: '/root-dir/peer/certificate',
    revocationsFile: '/root-dir/peer/revocations',
  });
});

test('the background is filled unless somebody says no, as fast as it goes unless somebody says how fast', () => {
  const fillOf = (env: Record<string, string>) => readSettings({ config: '/dev/null' }, env).fill;
  assert.deepEqual(fillOf({}), {});
  assert.deepEqual(fillOf({ SHOAL_BACKGROUND_RATE: '2' }), { bytesPerSecond: 2 << 20 });
  assert.equal(fillOf({ SHOAL_BACKGROUND_FILL: 'false' }), undefined);
});

const NO_ADDRESSES: readonly (readonly [string, string])[] = [
  ['SHOAL_PEER_LISTEN', 'node1.example:7744'], // a name is nothing to listen on
  ['SHOAL_PEER_LISTEN', '10.0.0.1'],
  ['SHOAL_PEER_LISTEN', '10.0.0.1:70000'],
  ['SHOAL_PEER_LISTEN', '10.0.0.1:1,'],
  ['SHOAL_PEER_LISTEN', '/ip4/10.0.0.1//tcp'],
  ['SHOAL_PEER_ANNOUNCE', 'http://node1'],
  ['SHOAL_SCHEDULERS', '/ip4/10.0.0.1/tcp/7640'],
  ['SHOAL_PEER_BOOTSTRAP', '10.0.0.1:7744'],
  ['SHOAL_PEER_LOCATION', 'a|b|c|d'],
  ['SHOAL_PEER_LOCATION', 'a||c'],
  ['SHOAL_BACKGROUND_FILL', 'off'],
];

for (const [variable, value] of NO_ADDRESSES) {
  test(`${variable} ${JSON.stringify(value)} is refused with what was expected`, () => {
    assert.throws(() => resolveConfig({ config: '/dev/null' }, { [variable]: value }), {
      code: 'usage',
      message: new RegExp(`^${variable} .*: expected `),
    });
  });
}
