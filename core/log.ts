// Logging as a port: the command line plugs the real logger in, tests a silent or a recording one.

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * error: a human must act; warn: degraded; info: once per mount or process; debug: once per decision; trace: once per
 * chunk. Neither messages nor fields carry credentials; digests go in their short form (the real
 * logger cuts those of errors, which have them in full for a person).
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields too. */
  with(fields: LogFields): Logger;
}

const nothing = () => {};

export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  with: () => silentLogger,
};
