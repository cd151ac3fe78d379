// Starting and ending threads and child processes that run our own scripts.

import type { Worker } from 'node:worker_threads';

export { siblingScript } from '../core/index.ts';

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
