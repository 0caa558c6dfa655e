import type { Problem } from '../../../snapshot/problem.ts';
import type { Finding } from '../codes.ts';
import { formatPath } from '../field-path.ts';
import type { FieldPath, Resource } from '../resource.ts';

/** A Problem about one field of an object; `part` is where it points: the value, unless said otherwise. */
export function problemAbout(
  resource: Resource,
  path: FieldPath,
  finding: Required<Finding>,
  part: 'key' | 'value' = 'value',
): Problem {
  const { kind, namespace, name, origin } = resource;
  return {
    ...finding,
    object: { kind, namespace, name },
    field: formatPath(path),
    position: origin.positionOf(path, part),
  };
}
