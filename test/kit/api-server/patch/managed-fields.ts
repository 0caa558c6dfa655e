import { isSameJson, type JsonObject, type KubeObject, type ManagedFields } from '../kube-object.ts';
import { difference, type FieldSet, fieldsOf, fromFieldsV1, toFieldsV1, union, valueAt } from './field-set.ts';
import type { MergeRules } from './merge-rules.ts';

/** Who writes, and how. */
export type Manager = {
  readonly name: string;
  readonly operation: ManagedFields['operation'];
  readonly apiVersion: string;
  readonly subresource: string | undefined;
};

/** `managedFields` of an object that somebody creates or changes by anything but server-side apply. */
export function afterUpdate(
  old: KubeObject | undefined,
  object: KubeObject,
  manager: Manager,
  rules: MergeRules,
): ManagedFields[] {
  const before = object.metadata.managedFields ?? old?.metadata.managedFields ?? [];
  const had = fieldsOf(old ?? {}, rules);
  const has = fieldsOf(object, rules);
  const changed: FieldSet = new Map(
    [...has].filter(([, path]) => !isSameJson(valueAt(old, path), valueAt(object, path))),
  );
  const lost = union(changed, difference(had, has));
  if (lost.size === 0) return [...before];
  const others = before
    .filter((entry) => !isOf(entry, manager))
    .map((entry) => withFields(entry, difference(fieldSet(entry), lost)));
  const own = before.find((entry) => isOf(entry, manager));
  const kept = own === undefined ? new Map() : difference(fieldSet(own), difference(had, has));
  return entries([...others, entryOf(manager, union(kept, changed))]);
}

/** A manager's entry over these fields, as of now. */
export function entryOf(manager: Manager, fields: FieldSet): ManagedFields {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(fields),
    ...(manager.subresource === undefined ? {} : { subresource: manager.subresource }),
  };
}

/** Whether an entry is this manager's, whatever version it last wrote in. */
export function isOf(entry: ManagedFields, manager: Manager): boolean {
  return (
    entry.manager === manager.name &&
    entry.operation === manager.operation &&
    (entry.subresource ?? '') === (manager.subresource ?? '')
  );
}

export function fieldSet(entry: ManagedFields): FieldSet {
  return fromFieldsV1(entry.fieldsV1);
}

export function withFields(entry: ManagedFields, fields: FieldSet): ManagedFields {
  return { ...entry, fieldsV1: toFieldsV1(fields) };
}

/** Entries that still own something. */
export function entries(all: readonly ManagedFields[]): ManagedFields[] {
  return all.filter((entry) => Object.keys(entry.fieldsV1 satisfies JsonObject).length > 0);
}
