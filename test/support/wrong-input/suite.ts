// Wrong inputs as data: what is wrong, the command, the exit code, what the message must say. Each is done with the
// real command line; what is left afterwards is compared with what was there before, and the row that comes out of it
// with docs/wrong-input.md.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { CommandResult } from '../shoal.ts';
import { Place } from './place.ts';
import {
  committedSection,
  normalised,
  RECORD_VARIABLE,
  type Row,
  recordSection,
  sectionText,
  type Theme,
} from './table.ts';

/** No case takes this long; a hang must fail its test. */
const CASE_TIMEOUT_MS = 120_000;

export interface WrongInput {
  /** What is wrong, as the title of a row. */
  readonly name: string;
  /** Makes what the case needs and says what to type behind `shoal`. */
  readonly command: (place: Place) => readonly string[] | Promise<readonly string[]>;
  /** Expected exit code. */
  readonly code: number;
  /** Expected in what the command says: the thing, what was expected, what was found. */
  readonly message: RegExp;
  /** How the command is run. Default: to its end. */
  readonly run?: (place: Place, args: readonly string[]) => Promise<CommandResult>;
  /** Looks closer afterwards; before what is left is judged. */
  readonly after?: (place: Place, result: CommandResult) => Promise<void>;
  /** What stays, in words, and the leftovers that are meant. Default: nothing. */
  readonly left?: { readonly words: string; readonly lines: RegExp };
  /** The row's command, when it is not just what was typed. */
  readonly shown?: string;
  /** The row's message where it depends on the moment. */
  readonly told?: string;
}

export interface ThemeOptions extends Theme {
  /** Why these cannot run here, or false. */
  readonly skip?: string | false;
  /** How many cases run at once: for those that mostly wait. Default: 1. */
  readonly atOnce?: number;
}

/** Registers the cases of one theme as tests; one file has one theme. */
export function wrongInputs(theme: ThemeOptions, cases: readonly WrongInput[]): void {
  suite(`wrong input: ${theme.title}`, { skip: theme.skip ?? false }, () => {
    const tried: (Row | undefined)[] = cases.map(() => undefined);
    suite('each', { concurrency: theme.atOnce ?? 1 }, () => {
      for (const [index, wrong] of cases.entries()) {
        test(`${wrong.name}: exit code ${wrong.code}`, { timeout: CASE_TIMEOUT_MS }, async t => {
          tried[index] = await tryOut(t, wrong);
        });
      }
    });
    test('docs/wrong-input.md has exactly these rows', async () => {
      const rows = tried.flatMap(row => row ?? []);
      assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length, 'two cases have one name');
      assert.equal(rows.length, cases.length, 'a case above failed');
      const record = process.env[RECORD_VARIABLE];
      if (record !== undefined) return recordSection(record, theme, rows);
      const hint = 'if the change is meant: sh scripts/with-node.sh scripts/wrong-input-table.ts';
      assert.equal(await committedSection(theme.title), sectionText(theme, rows).trimEnd(), hint);
    });
  });
}

async function tryOut(t: TestContext, wrong: WrongInput): Promise<Row> {
  const place = await Place.make(t);
  const args = await wrong.command(place);
  await place.remember();
  const result = await (wrong.run ?? ((at, words) => at.run(...words)))(place, args);
  const hosts = place.registry ? [place.registry.storageHost] : [];
  const message = normalised(saidBy(result), place.base, hosts);
  assert.equal(result.code, wrong.code, message);
  assert.match(message, wrong.message);
  assert.doesNotMatch(message, /\n\s+at |internal error/, 'a stack trace');
  await wrong.after?.(place, result);
  const left = await place.leftovers();
  const unexpected = wrong.left ? left.filter(entry => !wrong.left?.lines.test(entry)) : left;
  assert.deepEqual(unexpected, [], 'left behind');
  if (wrong.left) assert.notDeepEqual(left, [], `nothing is left, although the case says: ${wrong.left.words}`);
  return {
    name: wrong.name,
    command: wrong.shown ?? `shoal ${normalised(args.map(quoted).join(' '), place.base, hosts)}`,
    code: String(result.code),
    message: wrong.told ?? message,
    left: wrong.left?.words ?? 'nothing',
  };
}

/** Errors go to standard error; `check` lists the problems that it finds on standard output. */
function saidBy({ stdout, stderr }: CommandResult): string {
  const problems = stdout.split('\n').filter(line => line.startsWith('problem: '));
  return [...problems, stderr.trim()].join('\n').trim();
}

function quoted(word: string): string {
  if (word.length > 80) return `${word.slice(0, 60)}…`;
  return /[\s'"*?$]|^$/.test(word) ? `'${word}'` : word;
}
