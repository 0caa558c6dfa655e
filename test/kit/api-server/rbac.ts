import { ApiStatus } from './api-status.ts';
import type { ClusterState } from './cluster-state.ts';
import { MASTERS, type User } from './identity.ts';
import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import { parseLabelSelector } from './selectors.ts';

/** What somebody wants to do: with a resource, or with another path. */
export type Attributes =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

const GROUP = 'rbac.authorization.k8s.io';

/** Whether the stored roles and bindings let this user do it. */
export function isAllowed(state: ClusterState, user: User, attributes: Attributes): boolean {
  if (user.groups.includes(MASTERS)) return true;
  return grantedRules(state, user, attributes).some((rule) => permits(rule, attributes));
}

/** The 403 that says who may not do what where. */
export function forbidden(user: User, attributes: Attributes): ApiStatus {
  if (attributes.kind === 'path')
    return new ApiStatus(
      403,
      'Forbidden',
      `forbidden: User "${user.name}" cannot ${attributes.verb} path "${attributes.path}"`,
      {
        details: {},
      },
    );
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const what = name === '' ? qualified : `${qualified} "${name}"`;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new ApiStatus(
    403,
    'Forbidden',
    `${what} is forbidden: User "${user.name}" cannot ${verb} resource "${whole}" in API group "${group}" ${where}`,
    { details: { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource } },
  );
}

/** What every cluster has from the start, as far as clients of the API notice. */
export function defaultRoles(): KubeObject[] {
  const discovery = [
    '/api',
    '/api/*',
    '/apis',
    '/apis/*',
    '/openapi',
    '/openapi/*',
    '/version',
    '/version/',
    '/healthz',
    '/livez',
    '/readyz',
  ];
  return [
    clusterRole('cluster-admin', [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ]),
    clusterRole('system:discovery', [{ nonResourceURLs: discovery, verbs: ['get'] }]),
    clusterRole('system:public-info-viewer', [
      { nonResourceURLs: ['/version', '/version/', '/healthz', '/livez', '/readyz'], verbs: ['get'] },
    ]),
    clusterRole('system:basic-user', [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ]),
    binding('cluster-admin', MASTERS),
    binding('system:discovery', 'system:authenticated'),
    binding('system:basic-user', 'system:authenticated'),
    binding('system:public-info-viewer', 'system:authenticated', 'system:unauthenticated'),
  ];
}

function grantedRules(state: ClusterState, user: User, attributes: Attributes): JsonObject[] {
  const cluster = boundBy(state, 'clusterrolebindings', user, undefined);
  if (attributes.kind === 'path' || attributes.namespace === '') return cluster;
  return [...cluster, ...boundBy(state, 'rolebindings', user, attributes.namespace)];
}

function boundBy(state: ClusterState, plural: string, user: User, namespace: string | undefined): JsonObject[] {
  return all(state, plural)
    .filter((object) => object.metadata.namespace === namespace)
    .filter((object) => objects(object['subjects']).some((subject) => isSubject(subject, user)))
    .flatMap((object) => rulesOfRole(state, object['roleRef'], namespace));
}

function isSubject(subject: JsonObject, user: User): boolean {
  const { kind, name, namespace } = subject;
  if (kind === 'User') return name === user.name;
  if (kind === 'Group') return typeof name === 'string' && user.groups.includes(name);
  return kind === 'ServiceAccount' && user.name === `system:serviceaccount:${String(namespace)}:${String(name)}`;
}

function rulesOfRole(state: ClusterState, ref: unknown, namespace: string | undefined): JsonObject[] {
  if (!isJsonObject(ref)) return [];
  const key = ref['kind'] === 'Role' ? `${namespace}/${String(ref['name'])}` : String(ref['name']);
  const role = tableOf(state, ref['kind'] === 'Role' ? 'roles' : 'clusterroles').get(key)?.object;
  return role === undefined ? [] : [...objects(role['rules']), ...aggregated(state, role)];
}

function aggregated(state: ClusterState, role: KubeObject): JsonObject[] {
  const rule = role['aggregationRule'];
  const selectors = isJsonObject(rule) ? objects(rule['clusterRoleSelectors']) : [];
  return selectors.flatMap(({ matchLabels }) => {
    const pairs = isJsonObject(matchLabels)
      ? Object.entries(matchLabels).map(([key, value]) => `${key}=${String(value)}`)
      : [];
    const selects = parseLabelSelector(pairs.join(','));
    return all(state, 'clusterroles')
      .filter(selects)
      .flatMap((each) => objects(each['rules']));
  });
}

function permits(rule: JsonObject, attributes: Attributes): boolean {
  if (!has(rule['verbs'], attributes.verb)) return false;
  if (attributes.kind === 'path')
    return strings(rule['nonResourceURLs']).some((url) => matchesPath(url, attributes.path));
  const { group, resource, subresource, name } = attributes;
  const names = strings(rule['resourceNames']);
  return (
    has(rule['apiGroups'], group) &&
    strings(rule['resources']).some((pattern) => matchesResource(pattern, resource, subresource)) &&
    (names.length === 0 || (name !== '' && names.includes(name)))
  );
}

function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === '*') return true;
  if (subresource === '') return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function has(list: unknown, value: string): boolean {
  return Array.isArray(list) && (list.includes('*') || list.includes(value));
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function all(state: ClusterState, plural: string): KubeObject[] {
  return tableOf(state, plural)
    .list()
    .map((entry) => entry.object);
}

function tableOf(state: ClusterState, plural: string): ReturnType<ClusterState['store']['table']> {
  return state.store.table(state.catalogue.find(GROUP, 'v1', plural));
}

function clusterRole(name: string, rules: readonly JsonObject[]): KubeObject {
  return { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: { name }, rules };
}

function binding(role: string, ...groups: readonly string[]): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: groups.map((name) => ({ apiGroup: GROUP, kind: 'Group', name })),
  };
}
