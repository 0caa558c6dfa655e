// Promises: fields that people applied and the API server dropped, each with its place and the nearest known name.
// Never: throws for whatever stands in the annotation; speaks of Secrets, whose annotation would hold their data.
// Called by: read-object.ts, for objects of a cluster.
import { formatPath } from './field-path.ts';
import { At } from './reader/at.ts';
import { ReadContext } from './reader/read-context.ts';
import type { FieldPath } from './resource.ts';

/** Where `kubectl apply` keeps what it was given. */
const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Reads as an object is read, and remembers only which fields nobody knows. */
class AppliedContext extends ReadContext {
  readonly unknown = new Map<string, string>();

  override report(path: FieldPath, { code, message }: Parameters<ReadContext['report']>[1]): void {
    if (code === 'MG0201') this.unknown.set(formatPath(path), message);
  }
}

/** Compares `value`, the object as the server has it, with what was applied. `read` reads an object of this kind. */
export function reportPruned(value: object, context: ReadContext, read: (at: At) => unknown): void {
  const applied = appliedOf(value);
  if (applied === undefined) return;
  const scratch = new AppliedContext(context);
  for (const path of missingIn(value, applied, ['spec'])) {
    if (scratch.unknown.size === 0) read(new At(applied, scratch));
    const field = formatPath(path);
    const guess = scratch.unknown.get(field)?.match(/Did you mean "[^"]*"\?/)?.[0] ?? '';
    const known = scratch.unknown.has(field);
    context.report(path, {
      severity: 'warning',
      code: 'MG0206',
      message: known
        ? `The field ${field} was applied, and the API server dropped it: nobody knows it there. ${guess || 'Correct it, and apply again.'}`
        : `The field ${field} was applied, and is not in the object: the cluster's definition of the kind is too old to know it, or the object was changed since by other means than kubectl apply.`,
    });
  }
}

function appliedOf(value: object): Readonly<Record<string, unknown>> | undefined {
  const text = fieldOf(fieldOf(fieldOf(value, 'metadata'), 'annotations'), APPLIED);
  if (typeof text !== 'string') return undefined;
  try {
    const applied: unknown = JSON.parse(text);
    return isRecord(applied) ? applied : undefined;
  } catch {
    return undefined;
  }
}

/** Paths at which `applied` has a field and `value` has none; what is below a missing field is missing with it. */
function* missingIn(value: unknown, applied: unknown, path: FieldPath): Generator<FieldPath> {
  const there = at(value, path);
  const wanted = at(applied, path);
  if (Array.isArray(wanted)) {
    // Entries cannot be told apart once their number differs.
    if (!Array.isArray(there) || there.length !== wanted.length) return;
    for (const index of wanted.keys()) yield* missingIn(value, applied, [...path, index]);
  } else if (isRecord(wanted) && isRecord(there)) {
    for (const [name, one] of Object.entries(wanted)) {
      if (one === null) continue;
      if (there[name] === undefined) yield [...path, name];
      else yield* missingIn(value, applied, [...path, name]);
    }
  }
}

function at(value: unknown, path: FieldPath): unknown {
  return path.reduce(fieldOf, value);
}

function fieldOf(value: unknown, step: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
