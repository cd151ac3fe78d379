// Starts an image from an ordinary directory, by the same runtime that `shoal run` uses: the second half of the
// baseline. A process of its own: node cli/demo/start-plain.ts DESCRIPTION (JSON, written by cold-start.ts)

import type { RuntimeConfig } from '../run/image-config.ts';
import { processOf, userOf } from '../run/image-config.ts';
import { findProgram, runContainer } from '../run/launch.ts';
import { readInRoot } from '../run/rootfs-path.ts';

interface Description {
  readonly rootfs: string;
  readonly directory: string;
  readonly config: RuntimeConfig;
  readonly command: readonly string[];
}

const { rootfs, directory, config, command } = JSON.parse(process.argv[2] ?? '') as Description; // from our own parent
const runc = await findProgram('runc', process.env['PATH'] ?? '');
process.exitCode = await runContainer(
  {
    id: `shoal-plain-${process.pid}`,
    rootfs,
    hostname: 'plain',
    process: processOf(config, command, []),
    user: await userOf(config.User ?? '', path => readInRoot(rootfs, path)),
    binds: [],
    terminal: false,
  },
  { directory, runcRoot: `${directory}-state`, runc },
);
