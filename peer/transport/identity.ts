// Who this node is: an Ed25519 key on disk, made once. Its public half is the peer id that others know, and that the
// cluster's certificate names.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { fromSystemError, isShoalError, ShoalError } from '../../core/index.ts';
import { readSmallFile, writeSmallFile } from './private-file.ts';

const KEY_FILE = 'identity.pem';

export interface Identity {
  readonly peerId: string;
  readonly privateKey: PrivateKey;
}

/**
 * The identity kept in a directory; made, with the directory (0700), where there is none. Two that start at once get the
 * same. Rejects with `system` when the key's file may be read by others or belongs to somebody else, and with `malformed`
 * when it is no such key: it is never replaced, since the cluster's certificates are for this one.
 */
export async function openIdentity(directory: string): Promise<Identity> {
  const path = join(directory, KEY_FILE);
  const pem = await readPem(path).catch(async error => {
    if (!isShoalError(error, 'not-found')) throw error;
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch(cause => {
      throw fromSystemError(cause, `make ${directory}`);
    });
    await writeSmallFile(path, newPem(), { replace: false }).catch(taken => {
      if (!isShoalError(taken, 'busy')) throw taken; // another process was quicker: its key is the key
    });
    return readPem(path);
  });
  return identityOf(pem, path);
}

/** A new identity that is kept nowhere. */
export function newIdentity(): Identity {
  return identityOf(newPem(), 'new key');
}

async function readPem(path: string): Promise<string> {
  return (await readSmallFile(path, { secret: true })).text;
}

function newPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function identityOf(pem: string, path: string): Identity {
  const jwk = readKey(pem, path).export({ format: 'jwk' });
  const raw = Buffer.concat([Buffer.from(jwk.d ?? '', 'base64url'), Buffer.from(jwk.x ?? '', 'base64url')]);
  const privateKey = privateKeyFromRaw(raw);
  return { peerId: peerIdFromPrivateKey(privateKey).toString(), privateKey };
}

function readKey(pem: string, path: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // said below, without the key's text
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new ShoalError(
    'malformed',
    `${path}: expected an Ed25519 private key in PEM, found ${key?.asymmetricKeyType ?? 'something else'}`,
  );
}
