import type { CliIo } from './deps.ts';

/** To stderr, so that results stay results; without what a terminal would obey. */
export function printWarnings(io: CliIo, warnings: readonly string[] = []): void {
  for (const warning of warnings) io.err(`warning: ${warning.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ')}\n`);
}
