import type { ProblemItem } from '../api/schemas.ts';

/** `file:line:column` as editors jump to; of an object of a cluster its path in the API, which has no lines. */
export function formatPosition({ file, line, column }: NonNullable<ProblemItem['position']>): string {
  return file.startsWith('cluster:') ? file : `${file}:${line}:${column}`;
}
