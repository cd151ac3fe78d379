// Programs that tests meet for real, and that a machine may not have. scripts/test.sh installs them where it can.

import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Why tests that need these programs cannot run here, or false: for the `skip` option of a test. */
export function missing(...programs: readonly string[]): string | false {
  const absent = programs.filter(program => !isOnPath(program));
  return absent.length === 0 ? false : `not installed: ${absent.join(', ')}`;
}

/** Why tests that attach files to loop devices cannot run here, or false. */
export function missingLoop(): string | false {
  return existsSync('/dev/loop-control') ? false : 'no loop devices here';
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
