/**
 * The API's description, as far as `kubectl` reads it: which kinds there are, and that their PATCH takes `dryRun` and
 * `fieldValidation`. Schemas are open (what a kind may hold is the server's to say), so kubectl leaves validation to us.
 */
import type { ClusterState } from './cluster-state.ts';
import type { JsonObject } from './kube-object.ts';
import { field, message } from './protobuf.ts';
import { apiVersionOf, type ResourceType } from './resource-type.ts';

const GVK = 'x-kubernetes-group-version-kind';
/** Clients in Go cannot read the media type they ask for (its `@`), so real servers answer with this one. */
export const OPENAPI_V2_MEDIA_TYPE = 'application/octet-stream';

type Described = { readonly name: string; readonly path: string; readonly gvk: JsonObject; readonly custom: boolean };

/** `/openapi/v2` in protobuf, the only form that kubectl asks for. */
export function openApiV2(state: ClusterState): Buffer {
  const all = described(state);
  const parameters = parameterNames(state);
  const paths = all.map(({ path, gvk }) => field(2, message(field(1, path), field(2, patchItemV2(gvk, parameters)))));
  // kubectl knows the built-in kinds' schemas itself, and better than an open one would tell.
  const custom = all.filter((each) => each.custom);
  const definitions = custom.map(({ name, gvk }) => field(1, message(field(1, name), field(2, openSchemaV2(gvk)))));
  return message(
    field(1, '2.0'),
    field(2, message(field(1, 'Kubernetes'), field(2, state.features.gitVersion))),
    field(8, message(...paths)),
    field(9, message(...definitions)),
  );
}

/** `/openapi/v2` as JSON. */
export function openApiV2Json(state: ClusterState): JsonObject {
  const all = described(state);
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: state.features.gitVersion },
    paths: Object.fromEntries(all.map(({ path, gvk }) => [path, { patch: patchOperation(state, gvk) }])),
    definitions: Object.fromEntries(all.map(({ name, gvk }) => [name, { type: 'object', [GVK]: [gvk] }])),
  };
}

/** `/openapi/v3`: where the description of each group and version is. */
export function openApiV3Index(state: ClusterState): JsonObject {
  const names = [...state.catalogue.groups()].flatMap(([group, versions]) =>
    versions.map((version) => (group === '' ? `api/${version}` : `apis/${group}/${version}`)),
  );
  const revision = state.catalogue.revision;
  return {
    paths: Object.fromEntries(
      names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${revision}` }]),
    ),
  };
}

/** `/openapi/v3/apis/GROUP/VERSION`, or undefined when that is not served. */
export function openApiV3(state: ClusterState, name: string): JsonObject | undefined {
  const prefix = `/${name}/`;
  const all = described(state).filter(({ path }) => path.startsWith(prefix));
  if (all.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: state.features.gitVersion },
    paths: Object.fromEntries(all.map(({ path, gvk }) => [path, { patch: patchOperation(state, gvk) }])),
    components: {
      schemas: Object.fromEntries(all.map((each) => [each.name, { type: 'object', [GVK]: [each.gvk] }])),
    },
  };
}

function described(state: ClusterState): Described[] {
  return state.catalogue.types().flatMap((type) => type.versions.map((version) => describe(type, version)));
}

function describe(type: ResourceType, version: string): Described {
  const root = type.group === '' ? `/api/${version}` : `/apis/${apiVersionOf(type, version)}`;
  const inside = type.namespaced ? '/namespaces/{namespace}' : '';
  const reversed = type.group.split('.').reverse().join('.');
  return {
    name: [...(reversed === '' ? ['io.k8s.api.core'] : [reversed]), version, type.kind].join('.'),
    path: `${root}${inside}/${type.plural}/{name}`,
    gvk: { group: type.group, version, kind: type.kind },
    custom: type.custom,
  };
}

function parameterNames({ features }: ClusterState): readonly string[] {
  return features.openApiV3 ? ['dryRun', 'fieldManager', 'fieldValidation', 'force'] : ['dryRun'];
}

function patchOperation(state: ClusterState, gvk: JsonObject): JsonObject {
  const parameters = parameterNames(state).map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
  return { parameters, responses: { 200: { description: 'OK' } }, [GVK]: gvk };
}

function patchItemV2(gvk: JsonObject, parameters: readonly string[]): Buffer {
  const operation = message(
    ...parameters.map((name) => field(8, queryParameterV2(name))),
    field(9, message()),
    field(13, extensionV2(gvk)),
  );
  return message(field(8, operation));
}

/** Parameter > non-body > query, each a choice of its own in the document's schema. */
function queryParameterV2(name: string): Buffer {
  const query = message(field(2, 'query'), field(4, name), field(6, 'string'));
  return field(1, field(2, field(3, query)));
}

function openSchemaV2(gvk: JsonObject): Buffer {
  return message(field(22, field(1, 'object')), field(31, extensionV2([gvk])));
}

/** Extensions are carried as YAML, of which JSON is a part. */
function extensionV2(value: unknown): Buffer {
  return message(field(1, GVK), field(2, message(field(2, JSON.stringify(value)))));
}
