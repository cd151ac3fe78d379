// Which boot of the machine this is: what a map file's "written" bits are worth after a crash depends on it.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** 32 hex digits, the same until the machine boots again. */
export async function bootId(): Promise<string> {
  const text = process.platform === 'darwin' ? await bootSession() : await readFile(LINUX_BOOT_ID, 'utf8');
  return text.trim().toLowerCase().replaceAll('-', '');
}

const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id';

async function bootSession(): Promise<string> {
  return (await promisify(execFile)('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'])).stdout;
}
