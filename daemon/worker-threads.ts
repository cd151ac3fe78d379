// Starting and ending threads and child processes that run our own scripts.

import { extname } from 'node:path';
import type { Worker } from 'node:worker_threads';

/**
 * Where a script lies: beside the module that starts it, with the same ending, because a checkout runs TypeScript and an
 * installed package runs JavaScript. `moduleUrl` is the caller's `import.meta.url`; `name` has no ending.
 */
export function siblingScript(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${extname(new URL(moduleUrl).pathname)}`, moduleUrl);
}

/**
 * Asks a thread to end by a message that it understands, and resolves when it has. Not `terminate`: a thread that is
 * stopped while it loads a native library takes the whole process down.
 */
export function endWorker(worker: Worker, message: unknown): Promise<void> {
  return new Promise(resolve => {
    worker.once('exit', () => resolve());
    worker.ref(); // nothing else may keep the process alive until then
    worker.postMessage(message);
  });
}
