// An undici dispatcher that answers from a script instead of the network: for hosts that tests cannot be (TLS, Docker
// Hub). Records every request.
//
//   const dispatcher = new ScriptedDispatcher({ 'GET https://a.example/x': { status: 302, headers: { location: … } } });

import { Dispatcher } from 'undici';

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ScriptedRequest {
  /** `METHOD address`. */
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class ScriptedDispatcher extends Dispatcher {
  readonly requests: ScriptedRequest[] = [];
  readonly #answers: Map<string, ScriptedAnswer | ScriptedAnswer[]>;

  /** By `METHOD address`; a list is used up from its front, its last answer stays. What is not named gets a 404. */
  constructor(answers: Readonly<Record<string, ScriptedAnswer | ScriptedAnswer[]>>) {
    super();
    this.#answers = new Map(Object.entries(answers));
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const line = `${options.method} ${options.origin}${options.path}`;
    this.requests.push({ line, headers: Object.fromEntries(Object.entries(options.headers ?? {})) });
    const found = this.#answers.get(line);
    const next = Array.isArray(found) ? (found.length > 1 ? found.shift() : found[0]) : found;
    const answer = next ?? { status: 404 };
    queueMicrotask(() => {
      handler.onRequestStart?.(CONTROLLER, {});
      handler.onResponseStart?.(CONTROLLER, answer.status, { ...answer.headers });
      if (answer.body !== undefined) handler.onResponseData?.(CONTROLLER, Buffer.from(answer.body));
      handler.onResponseEnd?.(CONTROLLER, {});
    });
    return true;
  }
}

/** These answers come at once, so there is nothing to pause or to abort. */
const CONTROLLER: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => {},
  pause: () => {},
  resume: () => {},
};
