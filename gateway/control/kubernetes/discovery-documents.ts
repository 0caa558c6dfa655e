import type { ServedResource } from './resource-path.ts';

/** Versions of one group, the group's preferred one first. */
export type GroupResources = ReadonlyMap<string, readonly ServedResource[]>;

/** What an aggregated document tells; `stale` groups could not be asked by the server itself. */
export type Aggregated = { readonly groups: ReadonlyMap<string, GroupResources>; readonly stale: ReadonlySet<string> };

/** Reads an APIGroupDiscoveryList; undefined when the server answered with something older. */
export function readAggregated(document: unknown): Aggregated | undefined {
  if (!isFields(document) || document['kind'] !== 'APIGroupDiscoveryList') return undefined;
  const groups = new Map<string, GroupResources>();
  const stale = new Set<string>();
  for (const item of listIn(document, 'items')) {
    const group = stringIn(fieldsIn(item, 'metadata'), 'name');
    const versions = new Map<string, readonly ServedResource[]>();
    for (const entry of listIn(item, 'versions')) {
      const version = stringIn(entry, 'version');
      if (entry['freshness'] === 'Stale') stale.add(group);
      versions.set(
        version,
        listIn(entry, 'resources').flatMap((resource) => aggregatedResource(resource, group, version)),
      );
    }
    groups.set(group, versions);
  }
  return { groups, stale };
}

/** Reads an APIGroupList: versions by group, the preferred one first. */
export function readGroups(document: unknown): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const item of listIn(document, 'groups')) {
    const preferred = stringIn(fieldsIn(item, 'preferredVersion'), 'version');
    const versions = listIn(item, 'versions').map((entry) => stringIn(entry, 'version'));
    groups.set(
      stringIn(item, 'name'),
      [...new Set([preferred, ...versions])].filter((version) => version !== ''),
    );
  }
  return groups;
}

/** Reads an APIResourceList. */
export function readResources(document: unknown, group: string, version: string): ServedResource[] {
  return listIn(document, 'resources').flatMap((entry) => {
    const plural = stringIn(entry, 'name');
    // `pods/status` is a subresource.
    if (plural === '' || plural.includes('/')) return [];
    return [{ group, version, kind: stringIn(entry, 'kind'), plural, namespaced: entry['namespaced'] === true }];
  });
}

function aggregatedResource(entry: Fields, group: string, version: string): ServedResource[] {
  const plural = stringIn(entry, 'resource');
  const kind = stringIn(fieldsIn(entry, 'responseKind'), 'kind');
  return plural === '' || kind === ''
    ? []
    : [{ group, version, kind, plural, namespaced: entry['scope'] === 'Namespaced' }];
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsIn(value: unknown, name: string): Fields {
  const found = isFields(value) ? value[name] : undefined;
  return isFields(found) ? found : {};
}

function listIn(value: unknown, name: string): readonly Fields[] {
  const found = isFields(value) ? value[name] : undefined;
  return Array.isArray(found) ? found.filter(isFields) : [];
}

function stringIn(value: Fields, name: string): string {
  const found = value[name];
  return typeof found === 'string' ? found : '';
}
