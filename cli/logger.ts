// The Logger port on pino: one JSON object a line for programs (the daemon's log), short lines for people.

import { pino } from 'pino';
import type { LogFields, Logger } from '../core/index.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface Sink {
  write(level: LogLevel, message: string, fields: LogFields): void;
}

function loggerOn(sink: Sink, base: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      sink.write(level, message, { ...base, ...fields });
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    with: fields => loggerOn(sink, { ...base, ...fields }),
  };
}

/** JSON lines on standard error, for the daemon. Synchronous, so that nothing is lost when the process is killed. */
export function jsonLogger(level: LogLevel): Logger {
  const target = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  return loggerOn({ write: (at, message, fields) => target[at](fields, message) }, {});
}

/** One short line per message on standard error, for a person at a terminal. */
export function plainLogger(level: LogLevel): Logger {
  const limit = LOG_LEVELS.indexOf(level);
  return loggerOn(
    {
      write(at, message, fields) {
        if (LOG_LEVELS.indexOf(at) > limit) return;
        const details = Object.entries(fields).map(
          ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        );
        process.stderr.write(`shoal: ${at === 'info' ? '' : `${at}: `}${message}${details.join('')}\n`);
      },
    },
    {},
  );
}
