// Credentials that are missing, wrong, expired or unreadable, at a registry with htpasswd and at one with tokens.

import { mkdir, writeFile } from 'node:fs/promises';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import type { RegistryAuth } from '../../support/memory-registry.ts';
import { convertedImage, plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { READ_SHOWN, readThrough } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

const USER = { name: 'tester', password: 'correct horse' };
const SECRET = 'battery staple';

async function dockerConfig(place: Place, text: string): Promise<void> {
  await mkdir(place.path('docker'), { recursive: true });
  await writeFile(place.path('docker/config.json'), text);
}

function login(place: Place, host: string, password: string): Promise<void> {
  const auth = Buffer.from(`${USER.name}:${password}`).toString('base64');
  return dockerConfig(place, JSON.stringify({ auths: { [host]: { auth } } }));
}

/** Debian's registry with htpasswd; it is empty. */
async function privateRegistry(place: Place): Promise<string> {
  return (await startDockerRegistry(place, { user: USER })).host;
}

/** The registry in memory with a converted image, behind this kind of authentication. */
async function withImage(place: Place, auth: RegistryAuth): Promise<string> {
  const registry = await place.startRegistry();
  const image = await convertedImage(place);
  await image.publish(registry, 'app', 'latest');
  registry.knobs.auth = auth;
  return `${registry.host}/app:latest`;
}

const BASIC: RegistryAuth = { kind: 'basic', username: USER.name, password: USER.password };
const BEARER: RegistryAuth = { kind: 'bearer', tokenSeconds: 60, username: USER.name, password: USER.password };

const plain = async (place: Place) => (await plainImage(place)).reference;

const CASES: readonly WrongInput[] = [
  {
    name: 'no credentials for a registry with htpasswd, to push',
    command: async place => ['convert', '--plain-http', await plain(place), `${await privateRegistry(place)}/app:new`],
    code: 77,
    message: /HOST\/app:new: HOST wants a user name and password/,
  },
  {
    name: 'a wrong password for a registry with htpasswd, to push',
    command: async place => {
      const host = await privateRegistry(place);
      await login(place, host, SECRET);
      return ['convert', '--plain-http', await plain(place), `${host}/app:new`];
    },
    code: 77,
    // Which of the blobs that are pushed at once hears of it first decides how it is said.
    message: /HOST\/app:new: .*credentials/,
    told: 'shoal: HOST/app:new: HOST refused our credentials',
  },
  {
    name: 'a wrong password for a registry with htpasswd, to pull',
    command: async place => {
      const host = await privateRegistry(place);
      await login(place, host, SECRET);
      return ['convert', '--plain-http', `${host}/app:latest`, `oci:${place.path('out')}:app`];
    },
    code: 77,
    message: /HOST\/app:latest: .*credentials.*401/,
  },
  {
    name: 'no credentials for a registry with htpasswd, to check',
    command: async place => ['check', '--plain-http', await withImage(place, BASIC)],
    code: 77,
    message: /HOST\/app:latest: HOST wants a user name and password/,
  },
  {
    name: 'no credentials for a registry with htpasswd, to mount',
    command: async place => ['mount', '--plain-http', await withImage(place, BASIC), place.directory('mnt')],
    code: 77,
    message: /HOST\/app:latest: HOST wants a user name and password/,
  },
  {
    name: 'no credentials for a token service',
    command: async place => ['check', '--plain-http', await withImage(place, BEARER)],
    code: 77,
    message: /HOST\/app:latest: token for HOST: .*401/,
  },
  {
    name: 'a wrong password for a token service',
    command: async place => {
      const reference = await withImage(place, BEARER);
      await login(place, place.registry?.host ?? '', SECRET);
      return ['unpack', '--plain-http', reference, place.path('out')];
    },
    code: 77,
    message: /HOST\/app:latest: token for HOST: .*401/,
  },
  {
    name: 'credentials that expire in the middle of a check',
    command: async place => {
      const reference = await withImage(place, { kind: 'bearer', tokenSeconds: 3600 });
      const { registry } = place;
      if (!registry) throw new Error('no registry');
      // The first token is good for the beginning; when the first blob comes, nobody gets another one.
      const release = registry.hold('GET /v2/app/blobs/');
      place.whenever(
        () => registry.requestsTo('GET /v2/app/blobs/').length > 0,
        () => {
          registry.expireTokens();
          registry.knobs.auth = BEARER;
          release();
        },
      );
      return ['check', '--plain-http', reference];
    },
    code: 77,
    message: /HOST\/app:latest: token for HOST: .*401/,
  },
  {
    name: 'credentials that expire before a file of a mount is read',
    command: async place => {
      const reference = await withImage(place, { kind: 'bearer', tokenSeconds: 3600 });
      return ['mount', '--plain-http', '--read-deadline', '1', reference, place.directory('mnt')];
    },
    run: (place, args) =>
      readThrough(place, args, async () => {
        place.registry?.expireTokens();
        if (place.registry) place.registry.knobs.auth = BEARER;
      }),
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
  {
    name: "docker's config.json that is no JSON",
    command: async place => {
      await dockerConfig(place, '{"auths": {"secret');
      return ['check', '--plain-http', await withImage(place, BASIC)];
    },
    code: 65,
    message: /docker\/config\.json is no valid JSON$/,
  },
  {
    name: "docker's config.json whose auth is no user and password",
    command: async place => {
      const reference = await withImage(place, BASIC);
      await dockerConfig(place, JSON.stringify({ auths: { [place.registry?.host ?? '']: { auth: '!!' } } }));
      return ['check', '--plain-http', reference];
    },
    code: 65,
    message: /docker\/config\.json: auths of HOST: auth is not the base64 of user:password/,
  },
];

wrongInputs(
  {
    title: 'Credentials',
    about: 'Credentials that are missing, wrong, expired or unreadable. No message has a password or token in it.',
    skip: noDockerRegistry,
  },
  CASES.map(wrong => ({
    ...wrong,
    after: async (_, { stdout, stderr }) => {
      const said = stdout + stderr;
      for (const secret of [SECRET, USER.password, Buffer.from(`${USER.name}:${SECRET}`).toString('base64')]) {
        if (said.includes(secret)) throw new Error('a secret in a message');
      }
    },
  })),
);
