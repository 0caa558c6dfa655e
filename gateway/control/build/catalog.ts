import { serviceHost } from '../resource/host-names.ts';
import {
  type DestinationRuleResource,
  type EndpointSliceResource,
  type EndpointsResource,
  type GatewayResource,
  type PodResource,
  type Resource,
  type ResourceKey,
  resourceKey,
  type SecretResource,
  type ServiceEntryResource,
  type ServiceResource,
  type VirtualServiceResource,
  type WorkloadEntryResource,
} from '../resource/resource.ts';
import { olderFirst } from './age.ts';
import { type Bucket, BucketIndex, type Change } from './bucket-index.ts';
import type { Reads } from './memo.ts';

/** The text of a file, findable as resources are. */
export type FileText = { readonly kind: 'file'; readonly path: string; readonly text: string };

type Item = Resource | FileText;

/** What an update changed. */
export type CatalogChange = {
  readonly buckets: readonly Bucket<unknown>[];
  /** Keys of VirtualServices that came or were replaced, and of those that went. */
  readonly services: readonly ResourceKey[];
  readonly goneServices: readonly ResourceKey[];
};

/** All resources of the last build, findable by what build asks for. */
export class Catalog {
  /** Copies of our own: callers may keep changing the maps that they hand in. */
  readonly #resources = new Map<ResourceKey, Resource>();
  readonly #files = new Map<string, FileText>();
  readonly #index = new BucketIndex<Item>({ namesOf, compare: compareItems });

  /** Takes the input of a build; what does not differ from the build before costs one comparison. */
  update(
    resources: ReadonlyMap<ResourceKey, Resource>,
    files: ReadonlyMap<string, string>,
    revision: number,
  ): CatalogChange {
    const changes = replaceContent(this.#resources, resources);
    const fileChanges = replaceContent(this.#files, toFileItems(files, this.#files));
    const buckets = [...this.#index.apply([...changes, ...fileChanges], revision).values()];
    return { buckets, ...changedServices(changes) };
  }

  /** A VirtualService of the last update. */
  virtualService(key: ResourceKey): VirtualServiceResource | undefined {
    const resource = this.#resources.get(key);
    return resource?.kind === 'VirtualService' ? resource : undefined;
  }

  /** A reader that notes in `reads` what it looked into. */
  reader(reads: Reads): CatalogReader {
    return new CatalogReader((name) => reads.items(this.#index.bucket(name) as Bucket<never>));
  }
}

/** Typed questions to the catalog; every list is in the order of {@link olderFirst}. */
export class CatalogReader {
  /** The bucket's name decides the type of its items, see {@link namesOf}. */
  readonly #items: (name: string) => readonly never[];

  constructor(items: (name: string) => readonly never[]) {
    this.#items = items;
  }

  gateways(): readonly GatewayResource[] {
    return this.#items('gateways');
  }
  /** The Service of this full host. */
  service(host: string): ServiceResource | undefined {
    return this.#items(`service ${host}`)[0];
  }
  /** ServiceEntries with exactly this host, `*.suffix` included. */
  serviceEntries(host: string): readonly ServiceEntryResource[] {
    return this.#items(`entry ${host}`);
  }
  /** DestinationRules with exactly this host, `*.suffix` included. */
  destinationRules(host: string): readonly DestinationRuleResource[] {
    return this.#items(`rule ${host}`);
  }
  endpoints(namespace: string, service: string): EndpointsResource | undefined {
    return this.#items(`endpoints ${namespace}/${service}`)[0];
  }
  endpointSlices(namespace: string, service: string): readonly EndpointSliceResource[] {
    return this.#items(`slices ${namespace}/${service}`);
  }
  pod(namespace: string, name: string): PodResource | undefined {
    return this.#items(`pod ${namespace}/${name}`)[0];
  }
  podsAt(address: string): readonly PodResource[] {
    return this.#items(`pod-at ${address}`);
  }
  podsLabelled(namespace: string, label: string, value: string): readonly PodResource[] {
    return this.#items(`pods ${namespace} ${label}=${value}`);
  }
  workloadEntriesLabelled(namespace: string, label: string, value: string): readonly WorkloadEntryResource[] {
    return this.#items(`workloads ${namespace} ${label}=${value}`);
  }
  secret(namespace: string, name: string): SecretResource | undefined {
    return this.#items(`secret ${namespace}/${name}`)[0];
  }
  file(path: string): string | undefined {
    const [file] = this.#items(`file ${path}`) as readonly FileText[];
    return file?.text;
  }
}

/** Labels that a WorkloadEntry is selected by: Istio joins `spec.labels` with the object's own, which win. */
export function workloadLabels(entry: WorkloadEntryResource): Readonly<Record<string, string>> {
  return { ...entry.spec.labels, ...entry.labels };
}

/** Every name under which an item is found. */
function namesOf(item: Item): readonly string[] {
  switch (item.kind) {
    case 'file':
      return [`file ${item.path}`];
    case 'Gateway':
      return ['gateways'];
    case 'Service':
      return [`service ${serviceHost(item.name, item.namespace)}`];
    case 'ServiceEntry':
      return item.spec.hosts.map((host) => `entry ${host}`);
    case 'DestinationRule':
      return [`rule ${item.spec.host}`];
    case 'Endpoints':
      return [`endpoints ${item.namespace}/${item.name}`];
    case 'EndpointSlice':
      return item.spec.service === undefined ? [] : [`slices ${item.namespace}/${item.spec.service}`];
    case 'Pod':
      return namesOfPod(item);
    case 'WorkloadEntry':
      return Object.entries(workloadLabels(item)).map(
        ([label, value]) => `workloads ${item.namespace} ${label}=${value}`,
      );
    case 'Secret':
      return [`secret ${item.namespace}/${item.name}`];
    case 'VirtualService':
    case 'Namespace':
      return [];
    default:
      return unreachable(item);
  }
}

function namesOfPod(pod: PodResource): string[] {
  const labels = Object.entries(pod.labels).map(([label, value]) => `pods ${pod.namespace} ${label}=${value}`);
  const address = pod.spec.podIP === undefined ? [] : [`pod-at ${pod.spec.podIP}`];
  return [`pod ${pod.namespace}/${pod.name}`, ...address, ...labels];
}

function compareItems(a: Item, b: Item): number {
  return a.kind === 'file' || b.kind === 'file' ? 0 : olderFirst(a, b);
}

function changedServices(changes: readonly Change<Resource>[]): Pick<CatalogChange, 'services' | 'goneServices'> {
  const services: ResourceKey[] = [];
  const goneServices: ResourceKey[] = [];
  for (const { before, after } of changes) {
    if (after?.kind === 'VirtualService') services.push(resourceKey(after));
    else if (before?.kind === 'VirtualService') goneServices.push(resourceKey(before));
  }
  return { services, goneServices };
}

/** Makes `mine` equal to `given`, and tells what had to change. */
function replaceContent<K, V>(mine: Map<K, V>, given: ReadonlyMap<K, V>): Change<V>[] {
  const changes: Change<V>[] = [];
  for (const [key, after] of given) {
    const before = mine.get(key);
    if (before === after) continue;
    changes.push({ before, after });
    mine.set(key, after);
  }
  if (mine.size === given.size) return changes;
  for (const [key, before] of mine) {
    if (given.has(key)) continue;
    changes.push({ before });
    mine.delete(key);
  }
  return changes;
}

/** The files as items, those with the same text as before being the same items. */
function toFileItems(files: ReadonlyMap<string, string>, known: ReadonlyMap<string, FileText>): Map<string, FileText> {
  const items = new Map<string, FileText>();
  for (const [path, text] of files) {
    const same = known.get(path);
    items.set(path, same?.text === text ? same : { kind: 'file', path, text });
  }
  return items;
}

function unreachable(item: never): never {
  throw new TypeError(`unknown kind of resource: ${JSON.stringify(item)}`);
}
