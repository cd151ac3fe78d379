// docs/wrong-input.md: one table for each theme, one row for each wrong input. The rows come from runs of the tests
// (scripts/wrong-input-table.ts writes them); the tests compare what they see with what is written there.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export const DOCUMENT = resolve(import.meta.dirname, '../../../docs/wrong-input.md');

/** Directory where runs record their rows, one file for each theme, instead of comparing them with the document. */
export const RECORD_VARIABLE = 'WRONG_INPUT_RECORD';

export interface Row {
  readonly name: string;
  readonly command: string;
  readonly code: string;
  readonly message: string;
  readonly left: string;
}

export interface Theme {
  readonly title: string;
  /** A few words below the title. */
  readonly about: string;
}

const HEAD = ['what is wrong', 'command', 'exit code', 'message', 'left behind'];

/** What differs from run to run, as a word: paths, addresses, digests, process ids, random names. */
export function normalised(text: string, base: string, hosts: readonly string[]): string {
  let result = stripVTControlCharacters(text).replaceAll(`${base}/`, '');
  for (const host of hosts) result = result.replaceAll(host, 'HOST');
  return result
    .replaceAll(base, '.')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replace(/\b[0-9a-f]{64}\b/g, 'HEX')
    .replace(/\b[0-9a-f]{12}\b/g, 'HEX')
    .replace(/\bshoal:[0-9a-f]{16}\b/g, 'shoal:ID')
    .replace(/\bpid \d+/g, 'pid PID')
    .replace(/\blinux\/(amd64|arm64)\b/g, 'linux/ARCH')
    .replace(/^\d+ (?=\S*node)/gm, 'PID ')
    .replace(/shoal-convert-[A-Za-z0-9]{6}\b/g, 'shoal-convert-ID');
}

export function sectionText({ title, about }: Theme, rows: readonly Row[]): string {
  const lines = rows.map(row => line([row.name, code(row.command), row.code, code(row.message), row.left]));
  return [`## ${title}`, '', about, '', line(HEAD), line(HEAD.map(() => '---')), ...lines, ''].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('\n', '<br>')).join(' | ')} |`;
}

/** As code, each line by itself, so that nothing in a message is taken for markup. */
function code(text: string): string {
  const parts = text.split('\n').filter(part => part.trim() !== '');
  return parts.map(part => `\`${shortened(part.trim()).replaceAll('`', "'").replaceAll('|', '¦')}\``).join('\n');
}

/** A message may quote a path of kilobytes. */
function shortened(text: string): string {
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}

const MAX_SHOWN_CHARS = 240;

/** The committed section of a theme, as written by `sectionText`; undefined when there is none. */
export async function committedSection(title: string): Promise<string | undefined> {
  const text = await readFile(DOCUMENT, 'utf8').catch(() => '');
  const sections = text.split(/^(?=## )/m).slice(1);
  return sections.find(section => section.startsWith(`## ${title}\n`))?.trimEnd();
}

export async function recordSection(directory: string, theme: Theme, rows: readonly Row[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  const name = theme.title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  await writeFile(join(directory, `${name}.md`), sectionText(theme, rows));
}
