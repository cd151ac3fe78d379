// A daemon that the kill matrix kills: a process that has loaded everything and then does what it is told, line by line. An
// order is answered when it is done, so whoever gives one can kill it at any moment before.

import { createInterface } from 'node:readline';
import { messageOf, silentLogger, systemClock } from '../../core/index.ts';
import { Daemon } from '../../daemon/daemon.ts';
import { FaultySource } from '../support/faulty-source.ts';
import { requestFor, type TestImage, useDriver } from '../unit/daemon/lazy-image.ts';
import { killImage } from './images.ts';

export type Order =
  | { readonly order: 'start' }
  | { readonly order: 'mount'; readonly reference: string; readonly mountpoint: string; readonly deliver: boolean }
  | { readonly order: 'unmount'; readonly mountpoint: string }
  | { readonly order: 'list' }
  | { readonly order: 'stop' };

export interface Reply {
  readonly number: number;
  readonly error?: string;
  readonly mountpoints?: readonly string[];
}

const [, , root = '', driver] = process.argv;
if (driver === 'fuse' || driver === 'erofs') useDriver(driver);
const { signal } = new AbortController();
const images = new Map<string, { readonly image: TestImage; readonly source: FaultySource }>();

function find(reference: string): { readonly image: TestImage; readonly source: FaultySource } {
  const image = images.get(reference)?.image ?? killImage(reference);
  // Each chunk takes a while, so that reads are under way when it is killed.
  const known = images.get(reference) ?? {
    image,
    source: new FaultySource(image.origin, { seed: 1, part: 1, faults: ['late'] }),
  };
  images.set(reference, known);
  return known;
}

const library = {
  open: async ({ reference }: { readonly reference: string }) => {
    const { image, source } = find(reference);
    return { ...image, origin: source };
  },
  sources: ({ reference }: { readonly reference: string }) => ({ origin: find(reference).source }),
};
const daemon = new Daemon({ clock: systemClock, log: silentLogger, library }, { root, keepMounts: true });

async function perform(order: Order): Promise<Omit<Reply, 'number'>> {
  switch (order.order) {
    case 'start':
      await daemon.start();
      return {};
    case 'mount': {
      const { image } = find(order.reference);
      if (!order.deliver) image.origin.pause();
      await daemon.mount(requestFor(image, order.mountpoint), { signal });
      return {};
    }
    case 'unmount':
      await daemon.unmount(order.mountpoint, { signal });
      return {};
    case 'list':
      return { mountpoints: (await daemon.list()).map(({ mountpoint }) => mountpoint) };
    case 'stop':
      await daemon.stop();
      return {};
  }
}

function reply(said: Reply): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

let number = 0;
createInterface({ input: process.stdin }).on('line', line => {
  const mine = ++number;
  const order: Order = JSON.parse(line);
  perform(order).then(
    said => reply({ number: mine, ...said }),
    error => {
      reply({ number: mine, error: messageOf(error) });
      // As the command does, whose supervisor then starts the next.
      if (order.order === 'start') process.exit(1);
    },
  );
});
process.stdin.on('end', () => process.exit(0));
