// What can stand at the end of a command line that is being typed: from the grammar that commander has, so that it
// can't disagree with what is accepted. Pure.
//
// Why not the adapter of @bomb.sh/tab: it never offers files, which most of our arguments are, and does not see options
// that the help leaves out. Its scripts for zsh and fish, and their protocol, are used (scripts.ts).

import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** `mountpoints`: what the daemon has mounted. `files`: the shell knows better. */
export type Offer =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'files' }
  | { readonly kind: 'mountpoints' };

interface Position {
  readonly command: Command;
  /** The option whose value comes next. */
  readonly option: Option | undefined;
  /** Arguments of the command that are there already. */
  readonly given: number;
  /** What follows are arguments, whatever they look like. */
  readonly onlyArguments: boolean;
}

const NOTHING: Offer = { kind: 'words', words: [] };

/** `words` are those behind the program's name, the last one being what is typed now; it may be empty. */
export function offer(program: Command, words: readonly string[]): Offer {
  const typed = words.at(-1) ?? '';
  const { command, option, given, onlyArguments } = positionAfter(program, words.slice(0, -1));
  // bash takes the `=` itself for the word when nothing stands behind it yet.
  if (option !== undefined) return valuesOf(option, typed === '=' ? '' : typed);
  if (!onlyArguments && typed.startsWith('-')) {
    const [name = '', value] = splitAssignment(typed);
    const assigned = value === undefined ? undefined : findOption(command, name);
    if (assigned !== undefined) return valuesOf(assigned, value ?? '');
    return matching(optionsOf(command).flatMap(described), typed);
  }
  const commands = given === 0 ? command.createHelp().visibleCommands(command) : [];
  const names = commands.map(child => ({ value: child.name(), description: child.description() }));
  if (command.registeredArguments.length === 0) return matching(names, typed);
  return valuesOfArgument(command, argumentAt(command, given), typed);
}

/** Where the command line stands after these words. */
function positionAfter(program: Command, words: readonly string[]): Position {
  let [command, option, given, onlyArguments]: [Command, Option | undefined, number, boolean] = [
    program,
    undefined,
    0,
    false,
  ];
  for (const word of words) {
    // Some shells cut words at `=`: the value is still to come.
    if (word === '=' && option !== undefined) continue;
    if (option !== undefined) {
      option = undefined;
    } else if (!onlyArguments && word === '--') {
      onlyArguments = true;
    } else if (!onlyArguments && word.startsWith('-')) {
      const found = findOption(command, splitAssignment(word)[0] ?? '');
      option = found?.required === true && !word.includes('=') ? found : undefined;
    } else {
      const child = given === 0 ? command.commands.find(candidate => candidate.name() === word) : undefined;
      if (child !== undefined) command = child;
      else given++;
      // Behind the image, the words of `run` are those of the program in it.
      if (child === undefined && command.name() === 'run') onlyArguments = true;
    }
  }
  return { command, option, given, onlyArguments };
}

function splitAssignment(word: string): [string] | [string, string] {
  const at = word.indexOf('=');
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

/** What a command takes: its own options, those of every command, which its help leaves out, and help. */
function optionsOf(command: Command): readonly Option[] {
  const own = [...command.options, ...command.createHelp().visibleOptions(command)];
  return own.filter(({ long }, at) => own.findIndex(other => other.long === long) === at);
}

function described({ long, description }: Option): Candidate[] {
  return long === undefined || long === null ? [] : [{ value: long, description }];
}

function findOption(command: Command, name: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => name === long || name === short);
}

function valuesOf(option: Option, typed: string): Offer {
  if (option.argChoices)
    return matching(
      option.argChoices.map(value => ({ value, description: '' })),
      typed,
    );
  return /<[^>]*(?:dir|file|source|reference)/.test(option.flags) ? { kind: 'files' } : NOTHING;
}

function argumentAt(command: Command, given: number): Argument | undefined {
  const { registeredArguments } = command;
  return registeredArguments[given] ?? (registeredArguments.at(-1)?.variadic ? registeredArguments.at(-1) : undefined);
}

function valuesOfArgument(command: Command, argument: Argument | undefined, typed: string): Offer {
  if (argument === undefined) return NOTHING;
  if (argument.argChoices)
    return matching(
      argument.argChoices.map(value => ({ value, description: '' })),
      typed,
    );
  return command.name() === 'umount' ? { kind: 'mountpoints' } : { kind: 'files' };
}

function matching(candidates: readonly Candidate[], typed: string): Offer {
  return { kind: 'words', words: candidates.filter(({ value }) => value.startsWith(typed)) };
}
