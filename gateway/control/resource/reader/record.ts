import { suggestion } from '../suggestion.ts';
import type { At } from './at.ts';
import { ignored, type Reader, type RequiredField, typeName } from './reader.ts';
import { reportUnknownField } from './unknown-field.ts';

type Field = Reader<unknown> | RequiredField<unknown>;
export type Shape = Readonly<Record<string, Field>>;

/** The value that a field's reader gives. */
type FieldValue<F> = F extends Reader<infer T> ? T : F extends RequiredField<infer T> ? T : never;

/** Every field that was there and good. */
export type RecordValue<S extends Shape> = { readonly [K in keyof S]?: Exclude<FieldValue<S[K]>, undefined> };

/**
 * Reads a set of fields by one small reader each. `null` counts as absent, as in Kubernetes. Fields that the shape does
 * not name are reported (not honoured yet, or unknown), unless `others` says that the rest is somebody else's business.
 */
export function record<S extends Shape>(shape: S, options?: { readonly others: 'ignore' }): Reader<RecordValue<S>> {
  const fields = new Map(Object.entries(shape));
  const needed = [...fields].flatMap(([name, field]) => (typeof field === 'function' ? [] : [{ name, ...field }]));
  return (at) => {
    const value = fieldsOf(at);
    if (value === undefined) return undefined;
    const result: Record<string, unknown> = {};
    // Tens of thousands of objects come by here at a start: no list of entries is made of each.
    for (const name in value) {
      const field = fields.get(name);
      if (field === ignored) continue;
      const one = value[name];
      if (field === undefined) {
        if (options === undefined) reportUnknownField(at.child(name, one), fields.keys());
      } else if (one !== null && one !== undefined) {
        const read = (typeof field === 'function' ? field : field.reader)(at.child(name, one));
        if (read !== undefined) result[name] = read;
      }
    }
    for (const { name, hint } of needed)
      if (value[name] === null || value[name] === undefined) reportMissing(at, { name, hint }, fields, value);
    // The shape's readers produced every member.
    return result as RecordValue<S>;
  };
}

/** The fields of a value, which is plain data, or a report that it has none. */
export function fieldsOf(at: At): Readonly<Record<string, unknown>> | undefined {
  const { value } = at;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  at.report({ message: `Fields are expected here (name: value, indented), not ${typeName(value)}.` });
  return undefined;
}

function reportMissing(
  at: At,
  { name, hint }: { readonly name: string; readonly hint: string },
  fields: ReadonlyMap<string, Field>,
  value: object,
): void {
  // A misspelt neighbour already got its own report; say both, the fix is one.
  const unknown = Object.keys(value).filter((name) => !fields.has(name));
  const misspelt = suggestion(name, unknown).replace('Did you mean', 'It may be the misspelt');
  at.child(name, undefined).reportKey({ message: `"${name}" is missing: ${hint}.${misspelt}` });
}
