import { isJsonObject, isSameJson, type JsonObject } from '../kube-object.ts';
import type { MergeRules } from './merge-rules.ts';

/**
 * A field's path in the notation of `managedFields`: `f:NAME`, `k:{"key":"value"}` for a list item, `v:VALUE` for a member
 * of a set.
 */
export type FieldPath = readonly string[];

/** Owned fields, by their joined path. */
export type FieldSet = ReadonlyMap<string, FieldPath>;

/** Nobody owns what names and dates an object. */
const UNOWNED: ReadonlySet<string> = new Set(
  [
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'managedFields',
    'selfLink',
    'generateName',
  ].map((field) => `f:metadata/f:${field}`),
);

/** Every field that an object sets; lists of items by their keys, other lists as one. */
export function fieldsOf(object: JsonObject, rules: MergeRules): FieldSet {
  const found = new Map<string, FieldPath>();
  for (const [field, value] of Object.entries(object))
    if (field !== 'apiVersion' && field !== 'kind') collect(value, [`f:${field}`], [field], rules, found);
  found.delete('f:metadata');
  return found;
}

/** The set as `fieldsV1` has it. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of [...set.values()].toSorted(byPath)) {
    let node = root;
    for (const step of path) node = (node[step] ??= {}) as JsonObject;
    if ((path.at(-1) ?? '').startsWith('k:')) node['.'] = {};
  }
  return root;
}

export function fromFieldsV1(tree: JsonObject): FieldSet {
  const found = new Map<string, FieldPath>();
  const walk = (node: JsonObject, path: FieldPath): void => {
    const children = Object.entries(node);
    if (children.length === 0 && path.length > 0) add(found, path);
    for (const [step, child] of children) {
      if (step === '.') add(found, path);
      else if (isJsonObject(child)) walk(child, [...path, step]);
    }
  };
  walk(tree, []);
  return found;
}

/** The value at a path, or undefined. */
export function valueAt(object: unknown, path: FieldPath): unknown {
  let value = object;
  for (const step of path) value = stepInto(value, step);
  return value;
}

/** Takes a field, list item or set member out of an object. */
export function removeAt(object: JsonObject, path: FieldPath): void {
  const parent = valueAt(object, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) {
    const index = parent.findIndex((item) => isItem(item, last));
    if (index !== -1) parent.splice(index, 1);
  } else if (isJsonObject(parent)) delete parent[last.slice(2)];
}

/** `.spec.ports[port=80,protocol="TCP"].name`, as conflicts name it. */
export function pathText(path: FieldPath): string {
  return path.map((step) => (step.startsWith('f:') ? `.${step.slice(2)}` : `[${itemText(step)}]`)).join('');
}

export function union(...sets: readonly FieldSet[]): FieldSet {
  return new Map(sets.flatMap((set) => [...set]));
}

export function difference(set: FieldSet, without: FieldSet): FieldSet {
  return new Map([...set].filter(([key]) => !without.has(key)));
}

/** The name of one item by its keys; a protocol left out is TCP. */
export function itemStep(item: JsonObject, keys: readonly string[]): string {
  const named = keys.toSorted().map((key) => [key, item[key] ?? (key === 'protocol' ? 'TCP' : null)]);
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

function collect(
  value: unknown,
  path: FieldPath,
  names: readonly string[],
  rules: MergeRules,
  found: Map<string, FieldPath>,
): void {
  const rule = typeof value === 'object' && value !== null ? rules(names, value) : { kind: 'atomic' as const };
  if (Array.isArray(value) && rule.kind === 'items') {
    for (const item of value.filter(isJsonObject)) {
      const at = [...path, itemStep(item, rule.keys)];
      add(found, at);
      for (const [field, child] of Object.entries(item))
        collect(child, [...at, `f:${field}`], [...names, field], rules, found);
    }
  } else if (Array.isArray(value) && rule.kind === 'set') {
    for (const item of value) add(found, [...path, `v:${JSON.stringify(item)}`]);
  } else if (isJsonObject(value) && rule.kind === 'granular' && Object.keys(value).length > 0) {
    for (const [field, child] of Object.entries(value))
      collect(child, [...path, `f:${field}`], [...names, field], rules, found);
  } else add(found, path);
}

function add(found: Map<string, FieldPath>, path: FieldPath): void {
  const key = path.join('/');
  if (!UNOWNED.has(key)) found.set(key, path);
}

function stepInto(value: unknown, step: string): unknown {
  if (Array.isArray(value)) return value.find((item) => isItem(item, step));
  return isJsonObject(value) ? value[step.slice(2)] : undefined;
}

function isItem(item: unknown, step: string): boolean {
  const wanted: unknown = JSON.parse(step.slice(2));
  if (step.startsWith('v:')) return isSameJson(item, wanted);
  return isJsonObject(item) && isJsonObject(wanted) && itemStep(item, Object.keys(wanted)) === step;
}

function itemText(step: string): string {
  const wanted: unknown = JSON.parse(step.slice(2));
  if (!isJsonObject(wanted)) return `=${step.slice(2)}`;
  return Object.entries(wanted)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',');
}

function byPath(a: FieldPath, b: FieldPath): number {
  const [first, second] = [a.join('/'), b.join('/')];
  return first < second ? -1 : first > second ? 1 : 0;
}
