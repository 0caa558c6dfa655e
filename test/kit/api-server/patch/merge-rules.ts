import { isJsonObject, type JsonObject } from '../kube-object.ts';
import type { ResourceType } from '../resource-type.ts';
import { isSet, itemKeysOf } from './list-keys.ts';

/** How a value at a path (field names, without indices) is merged and owned. */
export type MergeRule =
  | { readonly kind: 'atomic' }
  | { readonly kind: 'granular' }
  | { readonly kind: 'set' }
  | { readonly kind: 'items'; readonly keys: readonly string[] };

/** The rule of a list or map at a path. */
export type MergeRules = (path: readonly string[], value: unknown) => MergeRule;

const ATOMIC: MergeRule = { kind: 'atomic' };
const GRANULAR: MergeRule = { kind: 'granular' };
const SET: MergeRule = { kind: 'set' };

/** The rules of a version: those of its schema for custom resources, those of Kubernetes' types for the others. */
export function mergeRulesOf(type: ResourceType, version: string): MergeRules {
  if (!type.custom) return builtInRule;
  const schema = type.rules.get(version)?.schema;
  return (path, value) =>
    path[0] === 'metadata' ? builtInRule(path, value) : schemaRule(schemaAt(schema, path), value);
}

function builtInRule(path: readonly string[], value: unknown): MergeRule {
  if (!Array.isArray(value)) return path.at(-1) === 'selector' && path.length === 2 ? ATOMIC : GRANULAR;
  if (isSet(path)) return SET;
  const keys = itemKeysOf(path);
  return keys === undefined ? ATOMIC : { kind: 'items', keys };
}

function schemaRule(schema: JsonObject | undefined, value: unknown): MergeRule {
  if (!Array.isArray(value)) return schema?.['x-kubernetes-map-type'] === 'atomic' ? ATOMIC : GRANULAR;
  const keys = schema?.['x-kubernetes-list-map-keys'];
  if (schema?.['x-kubernetes-list-type'] === 'map' && Array.isArray(keys))
    return { kind: 'items', keys: keys.map(String) };
  return schema?.['x-kubernetes-list-type'] === 'set' ? SET : ATOMIC;
}

function schemaAt(schema: unknown, path: readonly string[]): JsonObject | undefined {
  let at: unknown = schema;
  for (const step of path) {
    if (isJsonObject(at) && isJsonObject(at['items'])) at = at['items'];
    if (!isJsonObject(at)) return undefined;
    at =
      isJsonObject(at['properties']) && step in at['properties'] ? at['properties'][step] : at['additionalProperties'];
  }
  return isJsonObject(at) ? at : undefined;
}
