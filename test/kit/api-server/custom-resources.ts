import { byVersionPriority } from './catalogue.ts';
import type { ClusterState } from './cluster-state.ts';
import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import { type PrinterColumn, type ResourceType, resourceType, type VersionRules } from './resource-type.ts';
import { timestamp } from './strategy.ts';
import type { Entry } from './table.ts';

/** Serves what a CustomResourceDefinition (v1 or v1beta1) describes, and writes into its status that it is served. */
export function establish(state: ClusterState, definition: KubeObject): ResourceType | undefined {
  const type = typeOf(definition);
  if (type === undefined) return undefined;
  state.catalogue.remove(type);
  state.catalogue.add(type);
  return type;
}

/** Stops serving a definition's kind and removes its objects; whoever serves it next has no history of them. */
export function abolish(state: ClusterState, definition: KubeObject): ResourceType | undefined {
  const type = typeOf(definition);
  if (type === undefined) return undefined;
  const table = state.store.table(type);
  for (const entry of table.list()) table.remove(entry.key);
  table.compact(state.store.revision + 1);
  state.catalogue.remove(type);
  return type;
}

/** The status that a definition gets once it is served, or undefined when it has it already. */
export function establishedStatus(entry: Entry): JsonObject | undefined {
  const spec = asObject(entry.object['spec']);
  const old = asObject(entry.object['status']);
  if (Array.isArray(old['conditions']) && JSON.stringify(old['acceptedNames']) === JSON.stringify(spec['names']))
    return undefined;
  const versions = versionsOf(spec);
  const stored = versions.find((version) => version['storage'] === true) ?? versions[0];
  return {
    acceptedNames: spec['names'],
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: stored === undefined ? [] : [stored['name']],
  };
}

function typeOf(definition: KubeObject): ResourceType | undefined {
  const spec = asObject(definition['spec']);
  const names = asObject(spec['names']);
  const served = versionsOf(spec).filter((version) => version['served'] !== false);
  if (typeof spec['group'] !== 'string' || typeof names['plural'] !== 'string' || typeof names['kind'] !== 'string')
    return undefined;
  return resourceType({
    group: spec['group'],
    plural: names['plural'],
    kind: names['kind'],
    versions: served.map((version) => String(version['name'])).sort(byVersionPriority),
    ...(typeof names['singular'] === 'string' ? { singular: names['singular'] } : {}),
    ...(typeof names['listKind'] === 'string' ? { listKind: names['listKind'] } : {}),
    shortNames: strings(names['shortNames']),
    categories: strings(names['categories']),
    namespaced: spec['scope'] !== 'Cluster',
    custom: true,
    countsGenerations: true,
    allowsUnconditionalUpdate: false,
    hasStatus: served.some((version) => rulesOf(spec, version).hasStatus),
    rules: new Map(served.map((version) => [String(version['name']), rulesOf(spec, version)])),
  });
}

/** v1beta1 could name its only version in `version`, and its schema and columns for all versions at the top. */
function versionsOf(spec: JsonObject): JsonObject[] {
  if (Array.isArray(spec['versions'])) return spec['versions'].filter(isJsonObject);
  return typeof spec['version'] === 'string' ? [{ name: spec['version'], served: true, storage: true }] : [];
}

function rulesOf(spec: JsonObject, version: JsonObject): VersionRules {
  const schema = asObject(version['schema'] ?? spec['validation'])['openAPIV3Schema'];
  const columns = version['additionalPrinterColumns'] ?? spec['additionalPrinterColumns'];
  const subresources = asObject(version['subresources'] ?? spec['subresources']);
  return {
    hasStatus: isJsonObject(subresources['status']),
    ...(schema === undefined ? {} : { schema }),
    ...(Array.isArray(columns) ? { columns: columns.filter(isJsonObject).map(columnOf) } : {}),
  };
}

/** v1beta1 wrote `JSONPath`. */
function columnOf(column: JsonObject): PrinterColumn {
  const { name, type, description, format, priority } = column;
  return {
    name: String(name),
    type: String(type),
    jsonPath: String(column['jsonPath'] ?? column['JSONPath']),
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof format === 'string' ? { format } : {}),
    ...(typeof priority === 'number' ? { priority } : {}),
  };
}

function condition(type: string, reason: string, message: string): JsonObject {
  return { lastTransitionTime: timestamp(), message, reason, status: 'True', type };
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
