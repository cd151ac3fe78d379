// Question: how long until a program from an image is ready, and how many bytes does that take, lazily and after a full
// pull, over the same link? Images are built from Debian packages by foreign tools. The baseline runs in the same
// process, over the same kind of link, with the same runtime, alternating with what is measured. "lazy" fetches what the
// program reads and nothing else, so its bytes are those that the program needs; "lazy, fill" is the daemon as it comes,
// which fetches the rest beside that: its bytes are those until the program has ended.
//
//   sh scripts/with-node.sh bench/cold-start.ts [--mbit 100] [--runs 3] [--json]

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ColdStart, type Measurement, startFully, startLazily } from '../cli/demo/cold-start.ts';
import { bytes, printJson, printTable, seconds } from '../cli/output.ts';
import { convertImage } from '../converter/index.ts';
import { silentLogger } from '../core/index.ts';
import { openSink, openSource, platformOf, RegistryAccess } from '../registry/index.ts';
import { buildDebianImages } from '../test/support/debian-images.ts';

const NGINX = [
  'mkdir -p /run/t',
  'printf "events {} http { access_log off; server { listen unix:/run/t/s; root /var/www/html; index index.nginx-debian.html; } }" > /run/t/conf',
  'nginx -c /run/t/conf',
  `perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new("/run/t/s"); print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print "ready: ", scalar <$s>'`,
  'nginx -c /run/t/conf -s stop',
].join(' && ');

const PROGRAMS: Readonly<Record<string, { tag: string; command: readonly string[] }>> = {
  python: {
    tag: 'python',
    command: ['python3', '-c', 'import json, ssl, http.client; print("ready:", json.dumps(1))'],
  },
  node: { tag: 'node', command: ['node', '-e', 'console.log("ready:", process.version)'] },
  nginx: { tag: 'nginx', command: ['sh', '-c', NGINX] },
};

const { values } = parseArgs({
  options: {
    mbit: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const bytesPerSecond = (Number(values.mbit) * 1e6) / 8;
const signal = new AbortController().signal;
const access = new RegistryAccess();

interface Row {
  readonly program: string;
  readonly lazy: readonly Measurement[];
  readonly filling: readonly Measurement[];
  readonly full: readonly Measurement[];
}

async function main(directory: string): Promise<Row[]> {
  const { layout } = await buildDebianImages(directory, { withNode: true });
  const converted = join(directory, 'converted');
  for (const { tag } of Object.values(PROGRAMS)) {
    await convertImage({
      source: openSource(`oci:${layout}:${tag}`, { access }),
      sink: openSink(`oci:${converted}:${tag}`, { access }),
      platform: platformOf(process.platform, process.arch),
      workDir: directory,
      workers: availableParallelism(),
      signal,
      log: silentLogger,
    });
  }
  const rows: Row[] = [];
  for (const [program, { tag, command }] of Object.entries(PROGRAMS)) {
    const [lazy, filling, full]: [Measurement[], Measurement[], Measurement[]] = [[], [], []];
    for (let run = 0; run < Number(values.runs); run++) {
      const image = { layout: converted, tag, command };
      lazy.push(await once(directory, image, start => startLazily(start, signal)));
      filling.push(await once(directory, image, start => startLazily({ ...start, backgroundFill: true }, signal)));
      full.push(await once(directory, { layout, tag, command }, start => startFully(start, access, signal)));
    }
    rows.push({ program, lazy, filling, full });
  }
  return rows;
}

async function once(
  directory: string,
  what: Pick<ColdStart, 'layout' | 'tag' | 'command'>,
  run: (start: ColdStart) => Promise<Measurement>,
): Promise<Measurement> {
  const workDir = await mkdtemp(join(directory, 'run-'));
  try {
    return await run({ ...what, bytesPerSecond, workDir });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

function median(measurements: readonly Measurement[], key: 'readyMs' | 'bytes' | 'requests'): number {
  const sorted = measurements.map(measurement => measurement[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function print(rows: readonly Row[]): void {
  const head = ['PROGRAM', 'WAY', 'READY', 'MIN', 'MAX', 'BYTES', 'REQUESTS', 'RATIO'];
  const cells = rows.flatMap(({ program, lazy, filling, full }) =>
    (
      [
        ['lazy', lazy],
        ['lazy, fill', filling],
        ['full pull', full],
      ] as const
    ).map(([way, runs]) => [
      program,
      way,
      seconds(median(runs, 'readyMs')),
      seconds(Math.min(...runs.map(run => run.readyMs))),
      seconds(Math.max(...runs.map(run => run.readyMs))),
      bytes(median(runs, 'bytes')),
      String(median(runs, 'requests')),
      (median(runs, 'readyMs') / median(full, 'readyMs')).toFixed(2),
    ]),
  );
  printTable(head, cells, ['READY', 'MIN', 'MAX', 'BYTES', 'REQUESTS', 'RATIO']);
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  const rows = await main(directory);
  if (values.json) printJson(rows);
  else print(rows);
} finally {
  await access.close();
  await rm(directory, { recursive: true, force: true });
}
