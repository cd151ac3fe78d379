// The package's version, from the one place that has it: package.json, above the sources as above the compiled form.

import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

const path = findPackageJSON(import.meta.url);
const manifest: unknown = path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));

export const VERSION =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
