// Waiting for something that happens on its own (a socket closing), without guessing how long it takes.

const DEADLINE_MS = 30_000;

/** Resolves as soon as the condition holds; fails when it does not within half a minute. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`waited in vain: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}
