// Help: every command explains itself, with examples that its own grammar accepts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../../cli/program.ts';

function makeProgram(): Command {
  return buildProgram({
    env: {},
    signal: new AbortController().signal,
    leaveSignalsToProgram: () => ({ [Symbol.dispose]: () => {} }),
    setExitCode: () => {},
  });
}

function commandsBelow(command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...commandsBelow(child)]);
}

/** The help as a user sees it, with what is added behind the options. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: piece => (text += piece) });
  command.outputHelp();
  return text;
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

const commands = commandsBelow(makeProgram());

for (const command of commands) {
  test(`${nameOf(command)} --help has a description and examples of itself`, () => {
    assert.ok(command.description().length > 10, 'it has a description');
    const help = helpOf(command);
    assert.doesNotMatch(help, /\[\]\)/, 'an empty list is no default to tell');
    const [, examples = ''] = /^Examples?:\n([\s\S]+)$/m.exec(help) ?? [];
    const lines = examples.split('\n').filter(line => line.trim() !== '');
    assert.ok(lines.length > 0, `no examples:\n${help}`);
    const own = lines.filter(line => line.includes('shoal') && line.includes(command.name()));
    assert.ok(own.length > 0, `no example of ${command.name()}:\n${examples}`);
  });

  test(`every option that the examples of ${nameOf(command)} use is one that it takes`, () => {
    const [, examples = ''] = /^Examples?:\n([\s\S]+)$/m.exec(helpOf(command)) ?? [];
    const known = [command, ...(command.parent ? [command.parent] : []), ...command.commands].flatMap(({ options }) =>
      options.map(({ long }) => long),
    );
    for (const line of examples.split('\n').filter(text => /^ {2}(?:\w+=\S+ )?shoal /.test(text))) {
      const [typed = ''] = line.split(' #');
      // Behind the image, options are those of the program in it; behind a bare `--`, nobody's.
      for (const [option] of typed.split(' -- ')[0]?.matchAll(/(?<=\s)--[a-z-]+/g) ?? []) {
        assert.ok(known.includes(option), `${option} in ${line}`);
      }
    }
  });
}

test('the help of shoal lists every command that is not hidden, in groups', () => {
  const program = makeProgram();
  const help = helpOf(program);
  for (const group of ['Images:', 'Running:', 'Daemon:', 'Cluster:', 'This machine:'])
    assert.ok(help.includes(`\n${group}\n`), group);
  for (const command of program.createHelp().visibleCommands(program)) {
    assert.match(help, new RegExp(`^  ${command.name()} `, 'm'));
  }
  assert.doesNotMatch(help, /^ {2}complete /m);
});
