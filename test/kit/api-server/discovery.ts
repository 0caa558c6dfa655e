import { ApiStatus } from './api-status.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ResourceType } from './resource-type.ts';
import { hasStatus } from './strategy.ts';

const STATUS_VERBS = ['get', 'patch', 'update'];

/** A discovery document and the media type it is sent as. */
export type Document = { readonly body: unknown; readonly mediaType: string };

const JSON_TYPE = 'application/json';
const AGGREGATED = /g=apidiscovery\.k8s\.io;v=(v2|v2beta1);as=APIGroupDiscoveryList/;

/** How a document is asked for, and groups that it cannot tell of now, or leaves out. */
export type DiscoveryRequest = {
  readonly accept: string;
  readonly stale: ReadonlySet<string>;
  readonly unlisted: ReadonlySet<string>;
};

/** `/version`, `/api`, `/apis` and what is below them, or undefined when the path is none of these. */
export function discoveryDocument(state: ClusterState, path: string, request: DiscoveryRequest): Document | undefined {
  const aggregated = state.features.aggregatedDiscovery ? AGGREGATED.exec(request.accept)?.[1] : undefined;
  if (path === '/version') return plain(versionInfo(state));
  if (path === '/api') return aggregated ? aggregate(state, aggregated, request, isCore) : plain(legacyVersions());
  if (path === '/apis')
    return aggregated
      ? aggregate(state, aggregated, request, (group) => !isCore(group))
      : plain(groupList(state, request));
  const [, root, group = '', version, more] = path.split('/');
  if (more !== undefined || request.unlisted.has(group)) return undefined;
  if (request.stale.has(group))
    throw new ApiStatus(503, 'ServiceUnavailable', `the server of ${group} is not reachable`);
  if (root === 'api' && group !== '' && version === undefined) return resourceList(state, '', group);
  if (root !== 'apis') return undefined;
  return version === undefined ? oneGroup(state, group) : resourceList(state, group, version);
}

function isCore(group: string): boolean {
  return group === '';
}

function plain(body: unknown): Document {
  return { body, mediaType: JSON_TYPE };
}

function versionInfo({ features: { gitVersion } }: ClusterState): unknown {
  const [major = '', minor = ''] = gitVersion.slice(1).split('.');
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2025-01-01T00:00:00Z',
    goVersion: 'go1.24',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

function legacyVersions(): unknown {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

function groupList(state: ClusterState, { unlisted }: DiscoveryRequest): unknown {
  const groups = [...state.catalogue.groups()].filter(([group]) => group !== '' && !unlisted.has(group));
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(([group, versions]) => groupOf(group, versions)),
  };
}

function oneGroup(state: ClusterState, group: string): Document | undefined {
  const versions = state.catalogue.groups().get(group);
  return versions && group !== ''
    ? plain({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, versions) })
    : undefined;
}

function groupOf(
  name: string,
  versions: readonly string[],
): { name: string; versions: unknown[]; preferredVersion: unknown } {
  const named = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: named, preferredVersion: named[0] };
}

function resourceList(state: ClusterState, group: string, version: string): Document | undefined {
  const types = typesOf(state, group, version);
  if (types.length === 0) return undefined;
  const groupVersion = group === '' ? version : `${group}/${version}`;
  const resources = types.flatMap((type) => [
    describe(type),
    ...subresourcesOf(type, version).map((sub) => describeSub(type, sub)),
  ]);
  return plain({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources });
}

function typesOf(state: ClusterState, group: string, version: string): ResourceType[] {
  return state.catalogue.types().filter((type) => type.group === group && type.versions.includes(version));
}

function describe(type: ResourceType): unknown {
  const { plural: name, singular: singularName, namespaced, kind, shortNames, categories } = type;
  return {
    name,
    singularName,
    namespaced,
    kind,
    verbs: type.verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

function subresourcesOf(type: ResourceType, version: string): string[] {
  return [...(hasStatus(type, version) ? ['status'] : []), ...type.subresources];
}

function describeSub(type: ResourceType, subresource: string): unknown {
  const { plural, namespaced, kind } = type;
  const name = `${plural}/${subresource}`;
  if (subresource === 'token')
    return {
      name,
      singularName: '',
      namespaced,
      group: 'authentication.k8s.io',
      version: 'v1',
      kind: 'TokenRequest',
      verbs: ['create'],
    };
  return { name, singularName: '', namespaced, kind, verbs: subresource === 'finalize' ? ['update'] : STATUS_VERBS };
}

function aggregate(
  state: ClusterState,
  version: string,
  { stale, unlisted }: DiscoveryRequest,
  wanted: (group: string) => boolean,
): Document {
  const groups = [...state.catalogue.groups()].filter(([group]) => wanted(group) && !unlisted.has(group));
  const items = groups.map(([group, versions]) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versions.map((each) => ({
      version: each,
      freshness: stale.has(group) ? 'Stale' : 'Current',
      resources: stale.has(group) ? [] : typesOf(state, group, each).map((type) => aggregatedResource(type, each)),
    })),
  }));
  return {
    body: { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items },
    mediaType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  };
}

function aggregatedResource(type: ResourceType, version: string): unknown {
  // What is the group's and version's own is left empty.
  const responseKind = { group: '', version: '', kind: type.kind };
  const subresources = subresourcesOf(type, version).map((subresource) => ({
    subresource,
    responseKind,
    verbs: subresource === 'token' ? ['create'] : STATUS_VERBS,
  }));
  return {
    resource: type.plural,
    responseKind,
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
