// Promises: what fields of one set must not, or must, be together, told at the field to change.
// Never: looks at other objects.
// Called by: the readers of records.
import type { At } from './at.ts';

/** Reports two fields of which at most one may be there. */
export function exclusive(at: At, value: object, a: string, b: string): void {
  if (isThere(value, a) && isThere(value, b))
    at.child(b, undefined).reportKey({ message: `"${a}" and "${b}" exclude each other: keep one.` });
}

/** Reports a set of fields without any of these; a warning where nothing is as good as no such set. */
export function needsOne(
  at: At,
  value: object,
  names: readonly string[],
  severity: 'error' | 'warning' = 'error',
): void {
  if (!names.some((name) => isThere(value, name)))
    at.reportKey({ severity, message: `Something is missing here: write ${names.join(' or ')}, or remove it.` });
}

/** The fields as they are written; none where no fields are. */
export function writtenIn({ value }: At): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** True for a field with something in it: null asks for as little as an absent field, and so does an empty text. */
export function isThere(value: object, name: string): boolean {
  if (!Object.hasOwn(value, name)) return false;
  const field = (value as Readonly<Record<string, unknown>>)[name];
  return field !== undefined && field !== null && field !== '';
}

/** True where a list has an entry. */
export function hasEntries(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** Of fields that have no effect here, a cluster's API server has taken what it has. */
export function inert(at: At): { readonly severity: 'error' | 'warning' } {
  return { severity: at.context.strictness === 'folder' ? 'error' : 'warning' };
}
