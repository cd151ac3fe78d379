// Who learns what: a cluster of real processes shares an image of a registry that wants a password, and everything that is
// said, shown and written down is searched afterwards. Messages are recorded before encryption and after decryption
// (support/recorded-process.ts). Whatever must not be there is looked for in the same way as what must.

import assert from 'node:assert/strict';
import { createHash, createHmac, createPrivateKey } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { childCodec } from '../../peer/transport/pieces-protocol.ts';
import { ChildMessage, ParentMessage, PIECES_PROTOCOL, peerIdToBytes, SCHEDULER_PROTOCOL } from '../../proto/index.ts';
import { noise } from '../support/fake-blob.ts';
import { buildImage } from '../support/image-builder.ts';
import { LoopbackCluster, type LoopbackNode } from '../support/loopback-cluster.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts';
import { memoryOf } from '../support/process-memory.ts';
import { framedMessages, type RecordedConnection, type RecordedStream, readRecording } from '../support/recordings.ts';
import { found, type Secret, secretBytes, secretDigest, secretText } from '../support/secrets.ts';
import { callShoal, removeLeftovers } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const RECORDER = resolve(import.meta.dirname, '../support/recorded-process.ts');
const USER = { username: 'ada', password: 'correct horse 7 battery' };
/** Says what nobody outside is to know, too. */
const REPOSITORY = 'payroll/merger-plans';
const DHT = '/shoal/kad/1';
const LAYER_BYTES = 1_500_000;

interface Played {
  readonly cluster: LoopbackCluster;
  readonly registry: MemoryRegistry;
  /** Met trouble, with a registry and without a swarm. */
  readonly alone: LoopbackNode;
  readonly late: LoopbackNode;
  readonly nodes: readonly LoopbackNode[];
  readonly peerIds: ReadonlyMap<string, string>;
  /** By name of node; with the scheduler's. */
  readonly recordings: ReadonlyMap<string, readonly RecordedConnection[]>;
  /** Hex: of the blobs and the bootstrap's layer. */
  readonly tasks: readonly { readonly digest: string; readonly taskId: string; readonly bytes: Buffer }[];
  readonly pages: Readonly<Record<string, string>>;
  readonly schedulerMemory: (secrets: readonly Secret[]) => string[];
  readonly shown: { readonly peers: string; readonly tasks: string; readonly metrics: string };
  readonly secrets: { readonly digests: Secret[]; readonly credentials: Secret[]; readonly keys: Secret[] };
}

const taskIdOf = (digest: string) =>
  createHash('sha256').update('shoal-task').update(Buffer.from(digest, 'hex')).digest('hex');

/** The cluster's whole story: three nodes with a scheduler, one that comes when it is gone, and comes again. */
async function play(t: TestContext): Promise<Played> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-privacy-'));
  t.after(async () => {
    await removeLeftovers(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300, ...USER };
  const reference = `${registry.host}/${REPOSITORY}:1`;
  await convertInto(reference, directory);
  const recordingOf = (name: string) => join(directory, `${name}.recording`);
  const recorded = (name: string) => ({ preload: [RECORDER], env: { RECORD_BYTES_TO: recordingOf(name) } });
  const cluster = await LoopbackCluster.start(t, join(directory, 'cluster'), recorded('scheduler'));

  const docker = join(directory, 'docker');
  await mkdir(docker);
  const auth = Buffer.from(`${USER.username}:${USER.password}`).toString('base64');
  await writeFile(join(docker, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const plan = { registryHost: registry.host, keys: { 'docker-config': docker } };
  const alone = await cluster.node('alone', { ...plan, keys: { ...plan.keys, schedulers: [] } });
  await alone.start();
  await meetTrouble(alone, registry, reference);
  const first = await cluster.node('first', { ...plan, ...recorded('first') });
  const others = [
    await cluster.node('second', { ...plan, ...recorded('second') }),
    await cluster.node('third', { ...plan, ...recorded('third'), selfCertified: true }),
  ];
  await Promise.all([first, ...others].map(node => node.start()));
  const filled = (node: LoopbackNode) => until(() => node.isFilled(), `all of the image at ${node.name}`);
  // Some read what the registry sends, others what the first one has.
  await Promise.all([first.mount(reference), others[0]?.mount(reference)]);
  await Promise.all([first, ...others.slice(0, 1)].map(filled));
  await others[1]?.mount(reference);
  await Promise.all(others.slice(1).map(filled));

  const pages = await readPages(cluster);
  const memory = [...memoryOf(cluster.schedulerPid)];
  const shown = { peers: '', tasks: '', metrics: await first.shoal('metrics') };
  for (const command of ['peers', 'tasks'] as const) {
    shown[command] = (await first.shoal(command)) + (await first.shoal('--json', command));
  }
  await cluster.killScheduler();

  // Its credentials come with the request, and others through the DHT: it knows one node, by its address.
  const [bootstrap = ''] = (await first.swarm()).addresses;
  const late = await cluster.node('late', {
    ...recorded('late'),
    registryHost: registry.host,
    keys: { 'peer-bootstrap': [bootstrap] },
  });
  await late.start();
  await until(async () => (await late.swarm()).peers.length > 0, 'the late node is connected');
  await late.mount(reference, USER);
  await filled(late);
  const nodes = [first, ...others, late];
  const peerIds = new Map<string, string>();
  for (const node of nodes) peerIds.set(node.name, (await node.swarm()).peerId);
  await late.end();
  // With neither scheduler nor address: it remembers.
  const again = await cluster.node('late', { ...recorded('late again'), registryHost: registry.host });
  await again.start();
  await until(async () => (await again.swarm()).peers.length > 0, 'the late node is connected again');
  await again.end();
  const digests = [
    ...registry.repository(REPOSITORY).blobs.keys(),
    ...registry.repository(REPOSITORY).manifests.keys(),
  ];
  const recordings = new Map<string, readonly RecordedConnection[]>();
  for (const name of ['scheduler', ...nodes.map(node => node.name), 'late again']) {
    recordings.set(name, await readRecording(recordingOf(name)));
  }
  return {
    cluster,
    registry,
    alone,
    late,
    nodes,
    peerIds,
    recordings,
    tasks: [...registry.repository(REPOSITORY).blobs].map(([digest, bytes]) => {
      const hex = digest.replace('sha256:', '');
      return { digest: hex, taskId: taskIdOf(hex), bytes };
    }),
    pages,
    schedulerMemory: secrets => [...new Set(memory.flatMap(region => found(region, secrets.map(plainForms))))],
    shown,
    secrets: {
      digests: digests.map(digest => secretDigest(digest, digest)),
      credentials: [
        secretText('password', USER.password),
        secretText('basic header', auth),
        secretText('repository', REPOSITORY),
        ...[...registry.tokens.keys()].map((token, at) => secretText(`token ${at}`, token)),
      ],
      keys: [
        await keyIn('cluster', cluster.privateKeyFile),
        ...(await Promise.all([alone, ...nodes].map(node => keyIn(node.name, identityFile(node.root))))),
      ],
    },
  };
}

/** So that the log of a node holds what registries are blamed for: messages about blobs, by whoever throws them. */
async function meetTrouble(node: LoopbackNode, registry: MemoryRegistry, reference: string): Promise<void> {
  const { blobs } = registry.repository(REPOSITORY);
  const [blob] = [...blobs].find(([, bytes]) => bytes.length > LAYER_BYTES) ?? [];
  assert.ok(blob);
  registry.corrupt(blob, 70_000);
  await assert.rejects(node.mount(reference, { ...USER, password: 'wrong' }), { code: 'unauthorized' });
  await node.mount(reference);
  await until(async () => /of blob .*: expected blake3/.test(await node.logged()), 'wrong bytes are noticed');
  registry.failNext({ status: 503, count: 4, matching: '/blobs/' });
  await until(async () => /503/.test(await node.logged()), 'a failure is noticed');
  registry.corrupt(blob, 70_000);
  await until(() => node.isFilled(), 'the image is right in the end');
  await node.end();
}

async function convertInto(reference: string, directory: string): Promise<void> {
  const layers = ['one', 'two'].map(name => ({ tar: [{ path: name, content: noise(LAYER_BYTES, name) }] }));
  const { reference: source } = await buildImage(join(directory, 'layout'), { layers });
  const credentials = `${USER.username}:${USER.password}`;
  const args = ['convert', '--plain-http', '--creds', credentials, source, reference];
  const { code, stderr } = await callShoal(args, { root: join(directory, 'converting') });
  assert.equal(code, 0, stderr);
}

async function readPages({ http }: LoopbackCluster): Promise<Record<string, string>> {
  const pages: Record<string, string> = {};
  const read = async (path: string) => {
    pages[path] = await (await fetch(`http://${http}${path}`)).text();
    return pages[path];
  };
  for (const path of ['/healthz', '/metrics', '/v1/nodes', '/v1/tasks']) await read(path);
  const ids = new Set((pages['/v1/tasks'] ?? '').match(/\b[0-9a-f]{64}\b/g));
  for (const id of ids) await read(`/v1/tasks/${id}`);
  return pages;
}

const identityFile = (root: string) => join(root, 'peer/identity.pem');

async function keyIn(name: string, path: string): Promise<Secret> {
  const { d } = createPrivateKey(await readFile(path, 'utf8')).export({ format: 'jwk' });
  return secretBytes(`private key of ${name}`, Buffer.from(d ?? '', 'base64url'));
}

/** Bytes, and hex: what a program that knows them has in its memory. A hundred megabytes are searched. */
const plainForms = ({ name, forms }: Secret): Secret => ({ name, forms: forms.slice(0, 2) });

/** What a stream of pieces says, without the bytes of the pieces, and those. */
function piecesSaid({ openedBy, sent, received }: RecordedStream) {
  const [child, parent] = openedBy === 'sent' ? [sent, received] : [received, sent];
  const asked = [...framedMessages(child, () => 0)];
  const answered = [...framedMessages(parent, message => childCodec.bodyLength(ParentMessage.decode(message)))];
  return { asked, answered, messages: Buffer.concat([...asked, ...answered].map(({ message }) => message)) };
}

/** Everything that was said on a connection but the bytes of pieces, which are for members who know the digest. */
function saidOn({ greeting, streams }: RecordedConnection): Buffer {
  const said = streams.map(stream =>
    stream.protocol === PIECES_PROTOCOL ? piecesSaid(stream).messages : Buffer.concat([stream.sent, stream.received]),
  );
  return Buffer.concat([greeting.sent, greeting.received, ...said]);
}

/** As docs/protocol.md has it. */
function proofOf(digest: string, child: string, parent: string): Buffer {
  const proof = createHmac('sha256', Buffer.from(digest, 'hex')).update('shoal-open');
  return proof.update(peerIdToBytes(child)).update(peerIdToBytes(parent)).digest();
}

test('what nodes say, show and write down tells nothing of blobs and passwords', { timeout: 240_000 }, async t => {
  const played = await play(t);
  const { secrets, recordings, tasks, nodes, peerIds } = played;
  const all = [...secrets.digests, ...secrets.credentials, ...secrets.keys];
  const taskIds = tasks.map(({ taskId }) => secretDigest(`task ${taskId}`, taskId));
  const shared = taskIds.filter(({ name }) =>
    tasks.some(({ taskId, bytes }) => name.endsWith(taskId) && bytes.length > LAYER_BYTES),
  );
  const sharedNames = shared.map(({ name }) => name);
  const connections = [...recordings.values()].flat();
  const streams = (name: string, protocol: string) =>
    (recordings.get(name) ?? []).flatMap(connection => connection.streams).filter(each => each.protocol === protocol);

  await t.test('there are digests, passwords, tokens and keys to be found', () => {
    assert.ok(secrets.digests.length >= 5, 'two blobs, bootstrap, config and manifest');
    assert.ok(secrets.credentials.length >= 5, 'password, header, name of the image, and tokens that were used');
    assert.equal(secrets.keys.length, 6);
    assert.equal(shared.length, 2);
    const used = played.registry.requests.map(({ headers }) => headers.authorization ?? '').join('\n');
    assert.deepEqual(found(used, secrets.credentials.slice(0, 2)), ['password', 'basic header']);
    assert.ok(found(used, secrets.credentials).length >= 2, 'a token was shown to the registry');
  });

  await t.test('every protocol was recorded in full, at both ends', () => {
    for (const name of recordings.keys()) {
      assert.ok((recordings.get(name) ?? []).length > 0, name);
      for (const { greeting } of recordings.get(name) ?? []) assert.ok(greeting.sent.length > 0, name);
    }
    for (const name of ['scheduler', 'first', 'second', 'third']) {
      const said = Buffer.concat(streams(name, SCHEDULER_PROTOCOL).flatMap(({ sent, received }) => [sent, received]));
      assert.deepEqual(found(said, shared), sharedNames, `the scheduler's protocol at ${name}`);
    }
    for (const { name } of nodes) {
      const said = Buffer.concat(streams(name, PIECES_PROTOCOL).map(stream => piecesSaid(stream).messages));
      assert.deepEqual(found(said, shared), sharedNames, `pieces at ${name}`);
      const dht = Buffer.concat(streams(name, DHT).flatMap(({ sent, received }) => [sent, received]));
      assert.ok(dht.length > 0, `the DHT at ${name}`);
    }
    const records = Buffer.concat(streams('late', DHT).map(({ sent }) => sent));
    assert.deepEqual(found(records, shared), sharedNames, 'who came late asked the DHT');
    const named = Buffer.concat(streams('late', DHT).map(({ received }) => received));
    const holders = ['first', 'second', 'third'].map(name => secretBytes(name, peerIdToBytes(peerIds.get(name) ?? '')));
    assert.deepEqual(found(named, holders), ['first', 'second', 'third'], 'and was told who has it');
    for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0']) {
      assert.ok(
        connections.some(each => each.streams.some(stream => stream.protocol === protocol)),
        protocol,
      );
    }
  });

  await t.test('no message holds a digest, a credential, a key or the name of an image', () => {
    for (const [name, ofNode] of recordings) {
      for (const connection of ofNode) assert.deepEqual(found(saidOn(connection), all), [], name);
      // As they went through the muxer: nothing of what was not understood above has it either.
      for (const { raw } of ofNode) {
        assert.deepEqual(found(raw.sent, [...secrets.credentials, ...secrets.keys]), [], name);
        assert.deepEqual(found(raw.received, [...secrets.credentials, ...secrets.keys]), [], name);
      }
    }
    for (const connection of recordings.get('scheduler') ?? []) {
      assert.deepEqual(found(connection.raw.sent, all), []);
      assert.deepEqual(found(connection.raw.received, all), []);
    }
  });

  await t.test(
    'a digest is proved to a peer by a hash that is of no use to others, and opens nothing but the blob',
    () => {
      const proofs = new Map<string, string>();
      let pieces = 0;
      for (const { name } of nodes) {
        for (const stream of streams(name, PIECES_PROTOCOL).filter(({ openedBy }) => openedBy === 'sent')) {
          const { asked, answered } = piecesSaid(stream);
          const opened = new Map<number, (typeof tasks)[number]>();
          for (const { message } of asked) {
            const { open } = ChildMessage.decode(message);
            if (!open) continue;
            const task = tasks.find(({ taskId }) => taskId === Buffer.from(open.taskId ?? []).toString('hex'));
            assert.ok(task, 'only blobs of the image are asked for');
            assert.deepEqual(
              Buffer.from(open.proof ?? []),
              proofOf(task.digest, peerIds.get(name) ?? '', stream.peerId),
            );
            proofs.set(`${name} ${stream.peerId} ${task.digest}`, Buffer.from(open.proof ?? []).toString('hex'));
            opened.set(open.handle ?? 0, task);
          }
          for (const { message, body } of answered) {
            const { piece, chunk } = ParentMessage.decode(message);
            assert.equal(chunk, null, 'no chunk was packed while the pieces were there');
            if (!piece) continue;
            const task = opened.get(piece.handle ?? 0);
            const at = (piece.piece ?? 0) * 65_536;
            assert.ok(task?.bytes.subarray(at, at + 65_536).equals(body), 'what is sent is the blob and nothing else');
            pieces++;
          }
        }
      }
      assert.ok(pieces >= 40, `${pieces} pieces were sent`);
      assert.equal(new Set(proofs.values()).size, proofs.size, 'no two are the same');
    },
  );

  await t.test('the scheduler shows, logs, keeps and remembers names of tasks only', async () => {
    const { cluster, pages } = played;
    const listed = pages['/v1/tasks'] ?? '';
    assert.deepEqual(found(listed, shared), sharedNames);
    assert.ok(Object.keys(pages).length >= 4 + shared.length);
    for (const [path, text] of Object.entries(pages)) {
      assert.ok(text.length > 0, path);
      assert.deepEqual(found(text, all), [], path);
    }
    const log = await cluster.schedulerLogged();
    assert.match(log, /scheduler is ready/);
    assert.deepEqual(found(log, all), []);
    const files = (await readdir(cluster.schedulerRoot, { recursive: true })).filter(name => /\.\w+$/.test(name));
    assert.ok(files.length > 0);
    for (const file of files) {
      assert.deepEqual(found(await readFile(join(cluster.schedulerRoot, file)), all), [], file);
    }
    assert.deepEqual(played.schedulerMemory(shared), sharedNames);
    assert.deepEqual(played.schedulerMemory(all), []);
  });

  await t.test("nodes' logs, most detailed, hold no digest, credential or key", async () => {
    const trouble = await played.alone.logged();
    assert.match(trouble, /blob sha256:[0-9a-f]{12}: .*503/);
    assert.match(trouble, /of blob [0-9a-f]{12}: expected blake3/);
    for (const node of [played.alone, ...nodes]) {
      const log = await node.logged();
      assert.match(log, /"level":20/);
      assert.match(log, /this node takes part in the swarm/);
      assert.deepEqual(found(log, [...secrets.digests, ...secrets.keys]), [], node.name);
      const [password, header, , ...tokens] = secrets.credentials;
      assert.deepEqual(
        found(
          log,
          [password, header, ...tokens].filter(secret => secret !== undefined),
        ),
        [],
        node.name,
      );
    }
  });

  await t.test(
    'shoal peers and shoal metrics tell nothing of blobs, and shoal tasks their digests to the owner of the node only',
    async () => {
      const { peers, tasks: listed } = played.shown;
      assert.match(peers, /scheduler: .*, connected/);
      assert.deepEqual(found(peers, all), []);
      assert.deepEqual(found(listed, shared), sharedNames);
      assert.deepEqual(
        found(listed, [...secrets.keys, ...secrets.credentials.filter(({ name }) => name !== 'repository')]),
        [],
      );
      assert.deepEqual(
        found(listed, secrets.digests).toSorted(),
        tasks
          .filter(({ taskId }) => listed.includes(taskId))
          .map(({ digest }) => `sha256:${digest}`)
          .toSorted(),
        'of blobs that are shared, and neither of the manifest nor of the config',
      );
    },
  );

  await t.test('the file of known peers names peers, and is used', async () => {
    const { late } = played;
    const file = await readFile(join(late.root, 'peer/known-peers.json'), 'utf8');
    assert.ok(nodes.some(({ name }) => name !== 'late' && file.includes(peerIds.get(name) ?? 'nobody')));
    assert.deepEqual(found(file, [...all, ...taskIds]), []);
    assert.ok((recordings.get('late again') ?? []).length > 0);
  });
});
