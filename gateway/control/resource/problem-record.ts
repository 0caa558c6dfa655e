import type { Problem, Severity } from '../../snapshot/problem.ts';

/** A Problem as one flat line of `-o json`; the names of its fields are part of the command line's promise. */
export type ProblemRecord = {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly severity: Severity;
  readonly code: string;
  /** `Kind/namespace/name`. */
  readonly object?: string;
  readonly field?: string;
  readonly message: string;
};

/** Flattens a Problem. */
export function toProblemRecord({ position, severity, code, object, field, message }: Problem): ProblemRecord {
  return {
    ...position,
    severity,
    code,
    ...(object && { object: `${object.kind}/${object.namespace}/${object.name}` }),
    ...(field !== undefined && { field }),
    message,
  };
}

/** By file, line and column; what is at one place, by field, code and message. Equal input gives equal order. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compare(a.position?.file ?? '', b.position?.file ?? '') ||
    (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
    (a.position?.column ?? 0) - (b.position?.column ?? 0) ||
    compare(a.field ?? '', b.field ?? '') ||
    compare(a.code, b.code) ||
    compare(a.message, b.message)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
