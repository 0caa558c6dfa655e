import type { Problem, Severity } from '../../snapshot/problem.ts';
import type { ProblemCode } from '../resource/codes.ts';
import { formatPath } from '../resource/field-path.ts';
import type { FieldPath, Resource } from '../resource/resource.ts';

/** A Problem about one field of an object, with its position in the file. */
export function problemAt(
  resource: Resource,
  path: FieldPath,
  finding: { readonly severity: Severity; readonly code: ProblemCode; readonly message: string },
): Problem {
  const { kind, namespace, name } = resource;
  return {
    ...finding,
    object: { kind, namespace, name },
    field: formatPath(path),
    position: resource.origin.positionOf(path, 'value'),
  };
}

/** Sorted, and each fault once: an object that is bound to several listeners is still one object. */
export function distinctProblems(problems: readonly Problem[]): Problem[] {
  const byText = new Map(problems.map((problem) => [sortText(problem), problem]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, problem]) => problem);
}

function sortText({ object, field, code, message }: Problem): string {
  return [object?.kind, object?.namespace, object?.name, field, code, message].join('\u0000');
}
