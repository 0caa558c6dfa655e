import { isJsonObject } from './kube-object.ts';

/** The first value under a printer column's JSONPath: fields, `[0]`, `[*]` and `[?(@.type=="Ready")]`. */
export function valueAtPath(object: unknown, path: string): unknown {
  let values: unknown[] = [object];
  for (const step of path.matchAll(/\.([\w-]+|\\\.)|\[([^\]]*)\]/g)) {
    const [, field, bracket = ''] = step;
    values = values.flatMap((value) => (field === undefined ? inBrackets(value, bracket) : member(value, field)));
  }
  return values[0];
}

function member(value: unknown, field: string): unknown[] {
  return isJsonObject(value) && field in value ? [value[field]] : [];
}

function inBrackets(value: unknown, bracket: string): unknown[] {
  const filter = /^\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)$/.exec(bracket);
  if (filter) return items(value).filter((item) => valueAtPath(item, `.${filter[1]}`) === filter[2]);
  if (bracket === '*') return items(value);
  if (/^\d+$/.test(bracket)) return items(value).slice(Number(bracket), Number(bracket) + 1);
  return member(value, bracket.replace(/^['"]|['"]$/g, ''));
}

function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
