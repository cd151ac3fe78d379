// Waiting for something that happens on its own (a socket closing), without guessing how long it takes.

const DEADLINE_MS = 30_000;
const LEAST_MS = 2;
/** So many times as long as a look took is the pause behind it. */
const PAUSE_FACTOR = 4;

/** Resolves as soon as the condition holds; fails when it does not within half a minute. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const began = performance.now();
    if (await condition()) return;
    const ended = performance.now();
    if (ended > deadline) throw new Error(`waited in vain: ${typeof what === 'string' ? what : what()}`);
    // Looking must not take the processor from what is waited for: a look at all processes takes milliseconds.
    await new Promise(resolve => setTimeout(resolve, Math.max(LEAST_MS, PAUSE_FACTOR * (ended - began))));
  }
}
