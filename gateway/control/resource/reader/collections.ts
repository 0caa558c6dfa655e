import type { Labels } from '../resource.ts';
import type { At } from './at.ts';
import { type Reader, typeName } from './reader.ts';
import { fieldsOf } from './record.ts';
import { text } from './scalars.ts';

/** A list; items that are bad are reported and left out. */
export function listOf<T>(
  item: Reader<T>,
  options?: { readonly min?: number; readonly max?: number },
): Reader<readonly T[]> {
  const { min = 0, max = 10_000 } = options ?? {};
  return (at) => {
    if (!Array.isArray(at.value))
      return at.report({ message: `A list is expected here ("- item" lines), not ${typeName(at.value)}.` });
    if (at.value.length < min)
      at.report({ message: `At least ${min} ${min === 1 ? 'entry is' : 'entries are'} needed here.` });
    if (at.value.length > max)
      return at.report({ message: `At most ${max} entries are allowed here; there are ${at.value.length}.` });
    const result: T[] = [];
    for (let index = 0; index < at.value.length; index += 1) {
      const value: unknown = at.value[index];
      const child = at.child(index, value);
      const read =
        value === null ? child.report({ message: 'This entry is empty: write it, or remove it.' }) : item(child);
      if (read !== undefined) result.push(read);
    }
    return result;
  };
}

/** Free names with values of one kind. */
export function mapOf<T>(
  value: Reader<T>,
  options?: { readonly key?: Reader<string> },
): Reader<Readonly<Record<string, T>>> {
  return (at) => {
    const from = fieldsOf(at);
    if (from === undefined) return undefined;
    const reads: [string, T][] = [];
    // The labels of fifty thousand Pods are not kept twice.
    let isAsWritten = true;
    for (const name in from) {
      const entry = from[name];
      const read = readEntry(at, name, entry);
      if (read !== entry) isAsWritten = false;
      if (read !== undefined) reads.push([name, read]);
    }
    return isAsWritten ? (from as Readonly<Record<string, T>>) : Object.fromEntries(reads);
  };

  function readEntry(at: At, name: string, entry: unknown): T | undefined {
    if (options?.key !== undefined && options.key(at.child(name, name)) === undefined) return undefined;
    const child = at.child(name, entry);
    if (entry === null) return child.report({ message: 'A value is missing here: write it, or remove the name.' });
    return value(child);
  }
}

const LABEL_NAME = /^(?:[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/;

const labelName: Reader<string> = (at) =>
  LABEL_NAME.test(String(at.key))
    ? String(at.key)
    : at.reportKey({
        message: `"${at.key}" is not a label name: use [prefix/]name of letters, digits, "-", "_" and ".", at most 63 long.`,
      });

const labelValue: Reader<string> = (at) => {
  const value = text(at);
  if (value === undefined || LABEL_VALUE.test(value)) return value;
  return at.report({
    message: `"${value}" is not a label value: use letters, digits, "-", "_" and ".", at most 63 long.`,
  });
};

/** Kubernetes labels, also as a selector's matchLabels. */
export const labels: Reader<Labels> = mapOf(labelValue, { key: labelName });
