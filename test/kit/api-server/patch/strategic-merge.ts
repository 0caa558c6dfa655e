import { copyOf, isJsonObject, isSameJson, type JsonObject } from '../kube-object.ts';
import { isSet, patchKeyOf } from './list-keys.ts';

const DIRECTIVE = '$patch';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';
const RETAIN = '$retainKeys';

/**
 * Kubernetes' own merge patch: lists of built-in kinds are merged item by item, and `$patch`, `$retainKeys`,
 * `$setElementOrder/` and `$deleteFromPrimitiveList/` say what a plain merge cannot.
 */
export function applyStrategicMerge(target: JsonObject, patch: JsonObject, path: readonly string[] = []): JsonObject {
  if (patch[DIRECTIVE] === 'delete') return {};
  if (patch[DIRECTIVE] === 'replace') return withoutDirectives(patch);
  const merged = retained(target, patch[RETAIN]);
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$')) continue;
    if (value === null) delete merged[field];
    else merged[field] = mergeField(merged[field], value, [...path, field]);
  }
  for (const [field, value] of Object.entries(patch)) applyListDirective(merged, field, value, path);
  return merged;
}

function mergeField(old: unknown, value: unknown, path: readonly string[]): unknown {
  if (isJsonObject(value)) return applyStrategicMerge(isJsonObject(old) ? old : {}, value, path);
  if (Array.isArray(value)) return mergeList(Array.isArray(old) ? old : [], value, path);
  return value;
}

function mergeList(old: readonly unknown[], patch: readonly unknown[], path: readonly string[]): unknown[] {
  if (isSet(path)) return [...old, ...patch.filter((item) => !old.some((other) => isSameJson(item, other)))];
  const key = patchKeyOf(path);
  if (key === undefined) return copyOf([...patch]);
  const items = patch.filter(isJsonObject);
  const replaces = items.some((item) => item[DIRECTIVE] === 'replace' && item[key] === undefined);
  const merged: unknown[] = replaces ? [] : [...old];
  for (const item of items) if (item[key] !== undefined) mergeItem(merged, item, key, path);
  return merged;
}

function mergeItem(list: unknown[], item: JsonObject, key: string, path: readonly string[]): void {
  const index = list.findIndex((other) => isJsonObject(other) && other[key] === item[key]);
  if (item[DIRECTIVE] === 'delete') {
    if (index !== -1) list.splice(index, 1);
    return;
  }
  const old = list[index];
  const merged = applyStrategicMerge(isJsonObject(old) ? old : {}, item, path);
  if (index === -1) list.push(merged);
  else list[index] = merged;
}

function retained(target: JsonObject, keys: unknown): JsonObject {
  if (!Array.isArray(keys)) return { ...target };
  return Object.fromEntries(Object.entries(target).filter(([field]) => keys.includes(field)));
}

function applyListDirective(merged: JsonObject, directive: string, value: unknown, path: readonly string[]): void {
  if (!Array.isArray(value)) return;
  if (directive.startsWith(DELETE_PRIMITIVES)) {
    const field = directive.slice(DELETE_PRIMITIVES.length);
    const list = merged[field];
    if (Array.isArray(list)) merged[field] = list.filter((item) => !value.some((gone) => isSameJson(item, gone)));
  }
  if (directive.startsWith(ORDER)) {
    const field = directive.slice(ORDER.length);
    const list = merged[field];
    if (Array.isArray(list)) merged[field] = inOrder(list, value, patchKeyOf([...path, field]));
  }
}

/** The items that the patch names in its order; what only the server has comes after. */
function inOrder(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const keyOf = (item: unknown) => (key !== undefined && isJsonObject(item) ? item[key] : item);
  const place = (item: unknown) => {
    const index = order.findIndex((other) => isSameJson(keyOf(other), keyOf(item)));
    return index === -1 ? order.length : index;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith('$')));
}
