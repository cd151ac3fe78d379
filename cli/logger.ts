// The Logger port on pino: one JSON object a line for programs (the daemon's log), short lines for people.

import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { LogFields, Logger } from '../core/index.ts';
import { harmless } from './harmless.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** 64 hex digits that are a digest: after its algorithm, or by themselves; what is part of a path or a name is not. */
const DIGESTS = /(?:(?<=sha256[:/])|(?<![\w./-]))([0-9a-f]{12})[0-9a-f]{52}(?!\w)/g;

/**
 * Who has a blob's digest gets the blob from the cluster's nodes, so none goes into a log, where errors would take it: what is
 * left of it is enough to find it again.
 */
export function shortenDigests(line: string): string {
  return line.replace(DIGESTS, '$1');
}

/** `auto`: JSON lines for the daemon, whose log programs read, and short lines for a person. */
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

interface Sink {
  write(level: LogLevel, message: string, fields: LogFields): void;
}

const nothing = () => {};

/** Lines above `limit` cost a call and nothing else: `trace` speaks once per chunk. */
function loggerOn(sink: Sink, limit: LogLevel, base: LogFields): Logger {
  const at = (level: LogLevel) => {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(limit)) return nothing;
    return (message: string, fields: LogFields = {}) => sink.write(level, message, { ...base, ...fields });
  };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    with: fields => loggerOn(sink, limit, { ...base, ...fields }),
  };
}

const STANDARD_ERROR = 2;

/**
 * JSON lines on standard error, for the daemon. Synchronous, so that nothing is lost when the process is killed. A line
 * that can't be written (a full disk, a reader that went away) is lost, and no reason to stop serving: pino's own
 * destination would throw the error at whoever happens to log.
 */
function jsonLogger(level: LogLevel): Logger {
  const target = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    {
      write(line: string) {
        try {
          writeSync(STANDARD_ERROR, shortenDigests(line));
        } catch {
          // said above
        }
      },
    },
  );
  return loggerOn({ write: (at, message, fields) => target[at](fields, message) }, level, {});
}

/** One short line per message on standard error, for a person at a terminal. */
function plainLogger(level: LogLevel): Logger {
  return loggerOn(
    {
      write(at, message, fields) {
        const details = Object.entries(fields).map(
          ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        );
        process.stderr.write(
          `shoal: ${at === 'info' ? '' : `${at}: `}${harmless(shortenDigests(message + details.join('')))}\n`,
        );
      },
    },
    level,
    {},
  );
}

export function makeLogger(format: LogFormat, level: LogLevel, options: { readonly isDaemon: boolean }): Logger {
  const json = format === 'json' || (format === 'auto' && options.isDaemon);
  return json ? jsonLogger(level) : plainLogger(level);
}
