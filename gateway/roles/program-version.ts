import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The version of this program, from its package.json. */
export function programVersion(): string {
  const text = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
