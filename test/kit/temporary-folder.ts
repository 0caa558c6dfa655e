import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

const folders = new Set<string>();

/** A folder that is removed when the test has ended, and what was still written into it afterwards with the process. */
export function temporaryFolder(context: TestContext): string {
  const folder = scratchFolder('unit');
  context.after(() => remove(folder));
  return folder;
}

/** A folder for a kit that removes it when it is stopped; it goes with the process at the latest. */
export function scratchFolder(use: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `mesh-gateway-${use}-`));
  if (folders.size === 0) removeAtEnd();
  folders.add(folder);
  return folder;
}

/** The runner ends a file that takes too long by SIGTERM, which by itself would run nothing. */
function removeAtEnd(): void {
  process.once('exit', () => folders.forEach(remove));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
