// Where our own scripts lie: what runs in a thread or a process of its own is started by its file.

/**
 * Where a script lies: beside the module that starts it, with the same ending, because a checkout runs TypeScript and an
 * installed package runs JavaScript. `moduleUrl` is the caller's `import.meta.url`; `name` has no ending and may be a
 * relative path (`../main`).
 */
export function siblingScript(moduleUrl: string, name: string): URL {
  const ending = moduleUrl.slice(moduleUrl.lastIndexOf('.'));
  return new URL(`./${name}${ending}`, moduleUrl);
}
