import { ApiStatus, type StatusCause } from '../api-status.ts';
import {
  copyOf,
  isJsonObject,
  isSameJson,
  type JsonObject,
  type KubeObject,
  type ManagedFields,
} from '../kube-object.ts';
import {
  difference,
  type FieldPath,
  type FieldSet,
  fieldsOf,
  itemStep,
  pathText,
  removeAt,
  union,
  valueAt,
} from './field-set.ts';
import { entries, entryOf, fieldSet, isOf, type Manager, withFields } from './managed-fields.ts';
import type { MergeRules } from './merge-rules.ts';

export type ApplyRequest = {
  readonly live: KubeObject;
  readonly config: KubeObject;
  readonly manager: Manager;
  readonly rules: MergeRules;
  readonly conflicts: 'refuse' | 'force';
};

type Conflict = { readonly entry: ManagedFields; readonly path: FieldPath };

/**
 * Server-side apply: the manager's fields become what its configuration says, and what it no longer says goes, unless
 * somebody else owns it too. A value that another manager set differently is a 409, or is taken over by force.
 */
export function applyConfiguration({ live, config, manager, rules, conflicts }: ApplyRequest): KubeObject {
  const wanted = fieldsOf(config, rules);
  const before = live.metadata.managedFields ?? [];
  const others = before.filter((entry) => !isOf(entry, manager));
  const found = others.flatMap((entry) => conflictsWith(entry, wanted, live, config));
  if (found.length > 0 && conflicts === 'refuse') throw conflictStatus(found);
  const taken: FieldSet = new Map(found.map(({ path }) => [path.join('/'), path]));
  const remaining = entries(others.map((entry) => withFields(entry, difference(fieldSet(entry), taken))));
  const object = mergeObject(live, config, [], rules) as KubeObject;
  const own = before.find((entry) => isOf(entry, manager));
  if (own !== undefined) dropFields(object, difference(fieldSet(own), wanted), remaining);
  object.metadata.managedFields = entries([...remaining, entryOf(manager, wanted)]);
  return object;
}

function conflictsWith(entry: ManagedFields, wanted: FieldSet, live: KubeObject, config: KubeObject): Conflict[] {
  return [...fieldSet(entry)]
    .filter(([key, path]) => wanted.has(key) && (path.at(-1) ?? '').startsWith('f:'))
    .filter(([, path]) => !isSameJson(valueAt(live, path), valueAt(config, path)))
    .map(([, path]) => ({ entry, path }));
}

function conflictStatus(found: readonly Conflict[]): ApiStatus {
  const causes: StatusCause[] = found.map(({ entry, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${entry.manager}"${usingText(entry)}`,
    field: pathText(path),
  }));
  const [first] = causes;
  const list = causes.map(({ message, field }) => `${message}: ${field}`).join('\n- ');
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`
      : `Apply failed with ${causes.length} conflicts:\n- ${list}`;
  return new ApiStatus(409, 'Conflict', message, { details: { causes } });
}

function usingText({ operation, apiVersion }: ManagedFields): string {
  return operation === 'Update' ? ` using ${apiVersion}` : '';
}

/** Removes what only this manager owned; a list item goes whole, with the keys that name it. */
function dropFields(object: KubeObject, gone: FieldSet, remaining: readonly ManagedFields[]): void {
  const owned = union(...remaining.map(fieldSet));
  const ownedBelow = (key: string) => [...owned.keys()].some((other) => other === key || other.startsWith(`${key}/`));
  for (const [key, path] of gone) if (!ownedBelow(key) && !isKeyOfItem(path)) removeAt(object, path);
}

/** The fields that name a list item stay as long as the item. */
function isKeyOfItem(path: FieldPath): boolean {
  const item = path.at(-2) ?? '';
  if (!item.startsWith('k:')) return false;
  const keys: unknown = JSON.parse(item.slice(2));
  return isJsonObject(keys) && (path.at(-1) ?? '').slice(2) in keys;
}

function mergeObject(live: JsonObject, config: JsonObject, names: readonly string[], rules: MergeRules): JsonObject {
  const merged: JsonObject = copyOf(live);
  for (const [field, value] of Object.entries(config))
    merged[field] = mergeValue(live[field], value, [...names, field], rules);
  return merged;
}

function mergeValue(live: unknown, value: unknown, names: readonly string[], rules: MergeRules): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const rule = rules(names, value);
  if (isJsonObject(value) && rule.kind === 'granular')
    return mergeObject(isJsonObject(live) ? live : {}, value, names, rules);
  if (!Array.isArray(value) || !Array.isArray(live)) return copyOf(value);
  if (rule.kind === 'set') return [...live, ...value.filter((item) => !live.some((other) => isSameJson(item, other)))];
  if (rule.kind !== 'items') return copyOf(value);
  return mergeItems(live.filter(isJsonObject), value.filter(isJsonObject), rule.keys, names, rules);
}

function mergeItems(
  live: readonly JsonObject[],
  wanted: readonly JsonObject[],
  keys: readonly string[],
  names: readonly string[],
  rules: MergeRules,
): JsonObject[] {
  const merged = new Map(live.map((item) => [itemStep(item, keys), item]));
  for (const item of wanted) {
    const step = itemStep(item, keys);
    merged.set(step, mergeObject(merged.get(step) ?? {}, item, names, rules));
  }
  return [...merged.values()];
}
