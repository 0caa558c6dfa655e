import { valueAtPath } from './json-path.ts';
import type { JsonObject } from './kube-object.ts';
import { age, type Column } from './printed-cells.ts';
import { builtInColumns } from './printed-columns.ts';
import { apiVersionOf, type ResourceType } from './resource-type.ts';
import type { Entry } from './table.ts';
import type { ListMeta } from './wire.ts';

const TABLE = /as=Table(?:;v=(v1|v1beta1))?/;

/** The version of `meta.k8s.io` in which the client wants a Table, or undefined. */
export function wantedTable(accept: string | undefined): string | undefined {
  const match = TABLE.exec(accept ?? '');
  return match ? (match[1] ?? 'v1') : undefined;
}

/** How `kubectl get` wants its rows: ready cells, and of each object what it asks for. */
export type TableOptions = { readonly version: string; readonly includeObject: string; readonly heads: 'all' | 'none' };

/** A Table of entries. */
export function tableOf(
  type: ResourceType,
  version: string,
  entries: readonly Entry[],
  meta: ListMeta | { readonly resourceVersion: string },
  options: TableOptions,
): JsonObject {
  const columns = columnsOf(type, version);
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: meta,
    columnDefinitions: options.heads === 'none' ? null : columns.map(definitionOf),
    rows: entries.map((entry) => ({
      cells: columns.map((column) => column.cell(entry.object)),
      object: rowObject(type, version, entry, options),
    })),
  };
}

function columnsOf(type: ResourceType, version: string): readonly Column[] {
  const name: Column = { name: 'Name', type: 'string', format: 'name', cell: (object) => object.metadata.name };
  const own = type.rules.get(version)?.columns?.map(
    ({ jsonPath, ...column }): Column => ({
      ...column,
      cell: (object) => cellOf(column.type, valueAtPath(object, jsonPath)),
    }),
  );
  const ages: Column = { name: 'Age', type: 'string', cell: (object) => age(object.metadata.creationTimestamp) };
  return [name, ...(own ?? builtInColumns(type) ?? [ages])];
}

function cellOf(type: string, value: unknown): unknown {
  if (value === undefined || value === null) return type === 'string' ? '' : null;
  if (type === 'date') return age(value);
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

function definitionOf({ cell: _cell, ...column }: Column): JsonObject {
  return { format: '', description: '', priority: 0, ...column };
}

function rowObject(type: ResourceType, version: string, { object }: Entry, options: TableOptions): unknown {
  if (options.includeObject === 'None') return undefined;
  if (options.includeObject === 'Object')
    return { ...object, apiVersion: apiVersionOf(type, version), kind: type.kind };
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${options.version}`, metadata: object.metadata };
}
