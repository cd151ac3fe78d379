// shoal completion: the script for a shell. shoal complete: what that script asks, with every press of TAB.

import type { Command } from 'commander';
import { ShoalError } from '../../core/index.ts';
import { ControlClient } from '../../daemon/index.ts';
import type { CommandContext } from '../command.ts';
import { type Candidate, offer } from '../completion/candidates.ts';
import { FILES_TOO, NO_FILES, printScript, SHELLS } from '../completion/scripts.ts';
import { didYouMean } from '../config/suggestion.ts';

/** Somebody waits at a prompt: better no candidates than late ones. */
const PATIENCE_MS = 1_000;

export function completion(shell: string): void {
  const known = SHELLS.find(name => name === shell);
  if (known === undefined)
    throw new ShoalError('usage', `shell ${JSON.stringify(shell)}: ${didYouMean(shell, SHELLS)}`);
  printScript(known);
}

/** `makeContext` is only called when the daemon has to be asked: a wrong configuration is no reason to complete nothing. */
export async function complete(
  program: Command,
  words: readonly string[],
  makeContext: () => CommandContext,
): Promise<void> {
  const found = offer(program, words);
  if (found.kind === 'files') return answer([], FILES_TOO);
  if (found.kind === 'words') return answer(found.words, NO_FILES);
  const mountpoints = await mounted(makeContext).catch(() => []);
  const typed = words.at(-1) ?? '';
  answer(
    mountpoints.filter(({ value }) => value.startsWith(typed)),
    mountpoints.length > 0 ? NO_FILES : FILES_TOO,
  );
}

async function mounted(makeContext: () => CommandContext): Promise<Candidate[]> {
  const daemon = new ControlClient(makeContext().settings.controlSocket);
  const mounts = await daemon.list({ signal: AbortSignal.timeout(PATIENCE_MS) });
  return mounts.map(({ mountpoint, reference }) => ({ value: mountpoint, description: reference }));
}

function answer(candidates: readonly Candidate[], directive: number): void {
  const lines = candidates.map(({ value, description }) => `${value}\t${description}\n`);
  process.stdout.write(`${lines.join('')}:${directive}\n`);
}
