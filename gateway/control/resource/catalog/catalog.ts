import { isDeepStrictEqual } from 'node:util';
import { olderFirst } from '../age.ts';
import { resolveHost, serviceHost } from '../host-names.ts';
import type { UnreadPolicy } from '../policies/unread.ts';
import {
  type ConfigMapResource,
  type DestinationRuleResource,
  type EndpointSliceResource,
  type EndpointsResource,
  type GatewayResource,
  type KubernetesGatewayResource,
  type NodeResource,
  type PeerAuthenticationResource,
  type PodResource,
  type PolicyResource,
  type Resource,
  type ResourceKey,
  type SecretResource,
  type ServiceEntryResource,
  type ServiceResource,
  type TargetedResource,
  type VirtualServiceResource,
  type WorkloadEntryResource,
} from '../resource.ts';
import { type Bucket, BucketIndex, type Change } from './bucket-index.ts';
import { MemoOf, type Reads } from './reads.ts';

/** The text of a file, findable as resources are. */
export type FileText = { readonly kind: 'file'; readonly path: string; readonly text: string };

type Item = Resource | FileText | UnreadPolicy;

/** A resource that came, went or was replaced, by key. */
export type ResourceChange = Change<Resource> & { readonly key: ResourceKey };

/** What an update changed. */
export type CatalogChange = {
  readonly resources: readonly ResourceChange[];
  readonly buckets: readonly Bucket<never>[];
  /** Of the update: grows by one each time. */
  readonly revision: number;
};

/**
 * All resources that are looked at together, findable by what build and analysis ask for. An update costs what it
 * changes, however much there is.
 */
export class Catalog {
  readonly #resources = new Map<ResourceKey, Resource>();
  readonly #files = new Map<string, FileText>();
  #unread: readonly UnreadPolicy[] = [];
  readonly #index = new BucketIndex<Item>({ namesOf, compare: compareItems });
  readonly #memo = new MemoOf<Resource, unknown>();
  #revision = 0;

  /** Sets resources, or removes those that are undefined. The same object again is no change. */
  update(changes: Iterable<readonly [ResourceKey, Resource | undefined]>): CatalogChange {
    const wanted = new Map(changes);
    const changed: ResourceChange[] = [];
    for (const [key, after] of wanted) {
      const before = this.#resources.get(key);
      if (before !== after && !isSameGateway(before, after)) changed.push({ key, before, after });
    }
    // Names are asked for first: an exception there leaves everything as it was.
    const applied = this.#apply(changed);
    for (const { key, after } of changed) {
      if (after === undefined) this.#resources.delete(key);
      else this.#resources.set(key, after);
    }
    return { resources: changed, ...applied };
  }

  /** Replaces all texts of files. */
  updateFiles(files: ReadonlyMap<string, string>): CatalogChange {
    const changed: Change<Item>[] = [];
    for (const [path, text] of files) {
      const before = this.#files.get(path);
      if (before?.text === text) continue;
      const after: FileText = { kind: 'file', path, text };
      this.#files.set(path, after);
      changed.push({ before, after });
    }
    for (const [path, before] of this.#files) {
      if (files.has(path)) continue;
      this.#files.delete(path);
      changed.push({ before });
    }
    return { resources: [], ...this.#apply(changed) };
  }

  /** Replaces what cannot be read and may guard hosts. */
  updateUnread(unread: readonly UnreadPolicy[]): CatalogChange {
    const changed: Change<Item>[] = [];
    if (!isDeepStrictEqual(this.#unread, unread)) {
      for (const before of this.#unread) changed.push({ before });
      for (const after of unread) changed.push({ after });
      this.#unread = unread;
    }
    return { resources: [], ...this.#apply(changed) };
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#resources.get(key);
  }

  entries(): Iterable<[ResourceKey, Resource]> {
    return this.#resources.entries();
  }

  /** Everything there is, as if all of it came now. */
  all(): ResourceChange[] {
    return [...this.#resources].map(([key, after]) => ({ key, after }));
  }

  keys(): Iterable<ResourceKey> {
    return this.#resources.keys();
  }

  /** A reader that notes in `reads` what it looked into. */
  reader(reads: Reads): CatalogReader {
    return new CatalogReader({ index: this.#index, memo: this.#memo, revision: this.#revision }, reads);
  }

  #apply(changes: readonly Change<Item>[]): Omit<CatalogChange, 'resources'> {
    this.#revision += 1;
    const buckets = this.#index.apply(changes, this.#revision).values();
    return { revision: this.#revision, buckets: [...buckets] as unknown as Bucket<never>[] };
  }
}

/** What a reader reads from: as it is since the last update. */
type Shelf = {
  readonly index: BucketIndex<Item>;
  readonly memo: MemoOf<Resource, unknown>;
  readonly revision: number;
};

/** Typed questions to the catalog; every list is in the order of {@link olderFirst}. */
export class CatalogReader {
  readonly #shelf: Shelf;
  readonly #reads: Reads;

  constructor(shelf: Shelf, reads: Reads) {
    this.#shelf = shelf;
    this.#reads = reads;
  }

  /**
   * What several ask for and what follows from the catalog alone: computed once for its owner and name, until something
   * that it has read changes. Whoever asks has read the same.
   */
  shared<T>(owner: Resource, name: string, compute: (catalog: CatalogReader) => T): T {
    const { memo, revision } = this.#shelf;
    const entry = memo.get(owner, name, revision, (reads) => compute(new CatalogReader(this.#shelf, reads)));
    this.#reads.include(entry.buckets);
    // One name always stands for one computation.
    return entry.value as T;
  }

  gateways(): readonly GatewayResource[] {
    return this.#items('gateways');
  }
  gateway(namespace: string, name: string): GatewayResource | undefined {
    return this.#items(`gateway ${namespace}/${name}`)[0];
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
  /** VirtualServices that choose among the subsets of this host for callers inside a mesh. */
  meshRules(host: string): readonly VirtualServiceResource[] {
    return this.#items(`mesh-rules ${host}`);
  }
  /** All of a kind, for suggestions: whoever reads such a list is computed again with every object of the kind. */
  services(): readonly ServiceResource[] {
    return this.#items('services');
  }
  allServiceEntries(): readonly ServiceEntryResource[] {
    return this.#items('entries');
  }
  secrets(): readonly SecretResource[] {
    return this.#items('secrets');
  }
  endpoints(namespace: string, service: string): EndpointsResource | undefined {
    return this.#items(`endpoints ${namespace}/${service}`)[0];
  }
  endpointSlices(namespace: string, service: string): readonly EndpointSliceResource[] {
    return this.#items(`slices ${namespace}/${service}`);
  }
  /** All nodes of the cluster. */
  nodes(): readonly NodeResource[] {
    return this.#items('nodes');
  }
  node(name: string): NodeResource | undefined {
    return this.#items(`node ${name}`)[0];
  }
  pod(namespace: string, name: string): PodResource | undefined {
    return this.#items(`pod ${namespace}/${name}`)[0];
  }
  /** How many there are; for choosing among labels, which is no reading: what the result depends on is read afterwards. */
  countPodsLabelled(namespace: string, label: string, value: string): number {
    return this.#shelf.index.count(`pods ${namespace} ${label}=${value}`);
  }
  countWorkloadEntriesLabelled(namespace: string, label: string, value: string): number {
    return this.#shelf.index.count(`workloads ${namespace} ${label}=${value}`);
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
  configMap(namespace: string, name: string): ConfigMapResource | undefined {
    return this.#items(`config-map ${namespace}/${name}`)[0];
  }
  secret(namespace: string, name: string): SecretResource | undefined {
    return this.#items(`secret ${namespace}/${name}`)[0];
  }
  /** Objects that may guard hosts, of the namespaces that count for a workload. */
  policiesFor(workload: { readonly namespace: string; readonly rootNamespace: string }): readonly PolicyResource[] {
    const namespaces = new Set([workload.namespace, workload.rootNamespace]);
    return [...namespaces].flatMap((namespace) => this.#items(`policies ${namespace}`));
  }
  /** What cannot be read and may guard hosts. */
  unreadPolicies(): readonly UnreadPolicy[] {
    return this.#items('unread');
  }
  /** Of all namespaces: those, and others that select the workloads that they are for. */
  targeted(): readonly TargetedResource[] {
    return this.#items('targeted');
  }
  peerAuthentications(namespace: string): readonly PeerAuthenticationResource[] {
    return this.#items(`peers ${namespace}`);
  }
  kubernetesGateway(namespace: string, name: string): KubernetesGatewayResource | undefined {
    return this.#items(`kubernetes-gateway ${namespace}/${name}`)[0];
  }
  file(path: string): string | undefined {
    const [file] = this.#items(`file ${path}`) as readonly FileText[];
    return file?.text;
  }

  /** The bucket's name decides the type of its items, see {@link namesOf}. */
  #items(name: string): readonly never[] {
    return this.#reads.items(this.#shelf.index, name) as readonly never[];
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
    case 'unread':
      return ['unread'];
    case 'Gateway':
      return ['gateways', `gateway ${item.namespace}/${item.name}`];
    case 'Service':
      return ['services', `service ${serviceHost(item.name, item.namespace)}`];
    case 'ServiceEntry':
      return ['entries', ...item.spec.hosts.map((host) => `entry ${host}`)];
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
      return ['secrets', `secret ${item.namespace}/${item.name}`];
    case 'ConfigMap':
      return [`config-map ${item.namespace}/${item.name}`];
    case 'AuthorizationPolicy':
    case 'RequestAuthentication':
    case 'EnvoyFilter':
    case 'WasmPlugin':
    case 'TrafficExtension':
      return ['targeted', `policies ${item.namespace}`];
    case 'Telemetry':
      return ['targeted'];
    case 'PeerAuthentication':
      return [`peers ${item.namespace}`];
    case 'KubernetesGateway':
      return [`kubernetes-gateway ${item.namespace}/${item.name}`];
    case 'Node':
      return ['nodes', `node ${item.name}`];
    case 'VirtualService':
      return meshRuleHosts(item).map((host) => `mesh-rules ${host}`);
    case 'Namespace':
    case 'HTTPRoute':
    case 'Ingress':
      return [];
    default:
      return unreachable(item);
  }
}

/** Services for whose callers inside a mesh it chooses among subsets: hosts of its own that it leads to. */
function meshRuleHosts({ namespace, spec }: VirtualServiceResource): readonly string[] {
  if (!spec.gateways.includes('mesh')) return [];
  const own = new Set(spec.hosts.map((host) => resolveHost(host, namespace)));
  const targets = spec.http.flatMap(({ action }) => (action.kind === 'forward' ? action.destinations : []));
  return [...new Set(targets.flatMap(({ host, subset }) => (subset !== undefined && own.has(host) ? [host] : [])))];
}

function namesOfPod(pod: PodResource): string[] {
  const labels = Object.entries(pod.labels).map(([label, value]) => `pods ${pod.namespace} ${label}=${value}`);
  const address = pod.spec.podIP === undefined ? [] : [`pod-at ${pod.spec.podIP}`];
  return [`pod ${pod.namespace}/${pod.name}`, ...address, ...labels];
}

/**
 * True for two versions of a Gateway that differ in nothing that anybody asks for, such as its labels: every
 * VirtualService looks at its Gateways. Where an object has lines, these may have moved.
 */
function isSameGateway(before: Resource | undefined, after: Resource | undefined): boolean {
  if (before?.kind !== 'Gateway' || after?.kind !== 'Gateway') return false;
  const { file } = after.origin;
  return file.startsWith('cluster:') && before.origin.file === file && isDeepStrictEqual(inUse(before), inUse(after));
}

function inUse({ apiVersion, spec, annotations, creationTimestamp }: GatewayResource): unknown {
  return { apiVersion, spec, annotations, creationTimestamp };
}

function compareItems(a: Item, b: Item): number {
  if (a.kind === 'file' || b.kind === 'file') return 0;
  return a.kind === 'unread' || b.kind === 'unread' ? 0 : olderFirst(a, b);
}

function unreachable(item: never): never {
  throw new TypeError(`unknown kind of resource: ${JSON.stringify(item)}`);
}
