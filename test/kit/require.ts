import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the material shared by all developers lies: beside the repository. */
export const sharedDir = fileURLToPath(new URL('../../../shared', import.meta.url));

/**
 * What a test needs beyond Node. Returns `false` when all is there, else the reason to skip, in words;
 * under MESH_GATEWAY_REQUIRE_ALL=1 (CI) a missing thing is an error instead.
 */
export function requires(needs: { shared?: boolean; root?: boolean; programs?: readonly string[] }): string | false {
  const missing: string[] = [];
  if (needs.shared && !existsSync(sharedDir)) missing.push(`the folder ${sharedDir}`);
  if (needs.root && process.getuid?.() !== 0) missing.push('root');
  for (const program of needs.programs ?? []) if (!isInstalled(program)) missing.push(`the program ${program}`);
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['MESH_GATEWAY_REQUIRE_ALL'] === '1')
    throw new Error(`MESH_GATEWAY_REQUIRE_ALL is set, but this test ${reason}`);
  return reason;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
