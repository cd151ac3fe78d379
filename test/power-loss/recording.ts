// The log of recorder.ts, read back: what was done, from when to when, and what the test noted in between.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { setEnvironmentData } from 'node:worker_threads';
import { type Call, type Frame, LOG_FD } from './recorder.ts';

export interface Operation {
  readonly what: Call;
  /** Of a write. */
  readonly data: Uint8Array;
  /** Its place in the log. */
  readonly began: number;
  /** Absent: it had not ended when the log ended. */
  ended: number | undefined;
  failed: boolean;
  /** Of what has ended: the descriptor, or the bytes written. */
  result: number | undefined;
}

export interface Mark {
  readonly at: number;
  readonly what: unknown;
}

export interface Recording {
  readonly operations: readonly Operation[];
  readonly marks: readonly Mark[];
  /** One more than the last place. */
  readonly length: number;
}

/** Records into a new file at `path` what the process and the threads that it starts from now on do while `work` runs. */
export async function recording(path: string, work: () => Promise<void>): Promise<Recording> {
  const fd = openSync(path, 'ax', 0o600);
  setEnvironmentData(LOG_FD, fd);
  try {
    await work();
  } finally {
    setEnvironmentData(LOG_FD, undefined);
    closeSync(fd);
  }
  return parse(readFileSync(path));
}

function parse(log: Buffer): Recording {
  const operations: Operation[] = [];
  const marks: Mark[] = [];
  const byId = new Map<string, Operation>();
  let place = 0;
  for (let at = 0; at < log.length; place++) {
    const headerEnd = at + 8 + log.readUInt32LE(at);
    const end = headerEnd + log.readUInt32LE(at + 4);
    const frame = JSON.parse(log.toString('utf8', at + 8, headerEnd)) as Frame;
    const data = log.subarray(headerEnd, end);
    at = end;
    if ('mark' in frame) marks.push({ at: place, what: frame.mark });
    else if ('begins' in frame) {
      const operation = {
        what: frame.what,
        data,
        began: place,
        ended: undefined,
        failed: false,
        result: undefined,
      };
      operations.push(operation);
      byId.set(frame.begins, operation);
    } else {
      const operation = byId.get(frame.ends);
      if (operation === undefined) throw new Error(`recording: ${frame.ends} ended and had not begun`);
      operation.ended = place;
      operation.failed = frame.failed;
      operation.result = frame.result;
    }
  }
  return { operations, marks, length: place };
}
