import type { SourcePosition } from '../../gateway/snapshot/problem.ts';

/** `file:line:column` as editors jump to; of an object of a cluster its path in the API, which has no lines. */
export function formatPosition({ file, line, column }: SourcePosition): string {
  return file.startsWith('cluster:') ? file : `${file}:${line}:${column}`;
}
