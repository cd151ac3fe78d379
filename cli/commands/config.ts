// shoal config: the settings that are in effect, and where each came from.

import type { CommandContext } from '../command.ts';
import { CONFIG_KEYS, KEYS } from '../config/keys.ts';
import { printJson, printLine, printTable } from '../output.ts';

/** No key holds a secret: credentials are docker's business, and addresses with a password in them are refused. */
export async function showConfig(context: CommandContext): Promise<void> {
  const { values, origin, file, registries } = context.settings.config;
  if (context.settings.json) {
    const keys = CONFIG_KEYS.map(key => [key, { value: values[key] ?? null, origin: origin(key) }]);
    return printJson({ file: file?.path ?? null, settings: Object.fromEntries(keys), registries });
  }
  printTable(
    ['KEY', 'VALUE', 'FROM'],
    CONFIG_KEYS.map(key => [
      key,
      String(values[key] ?? `(${KEYS[key].defaultText?.replaceAll('`', '')})`), // of a list: with commas between
      origin(key),
    ]),
  );
  for (const [host, settings] of Object.entries(registries)) {
    printLine();
    printLine(`registry ${host} (${file?.where(['registry', host])})`);
    for (const [key, value] of Object.entries(settings)) printLine(`  ${kebab(key)} = ${JSON.stringify(value)}`);
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}
