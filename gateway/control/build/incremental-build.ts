import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../../snapshot/cluster.ts';
import { NO_UNITS, UNIT_KINDS } from '../../snapshot/diff.ts';
import { deepFreeze } from '../../snapshot/freeze.ts';
import type { Problem } from '../../snapshot/problem.ts';
import type { SnapshotUnits } from '../../snapshot/snapshot.ts';
import type { UnitTable } from '../../snapshot/unit-table.ts';
import { tablesOf, type UnitTables, unitsOf } from '../../snapshot/units.ts';
import type { Bucket, Change } from '../resource/catalog/bucket-index.ts';
import type { Catalog, CatalogChange } from '../resource/catalog/catalog.ts';
import { ComputedTable } from '../resource/catalog/computed-table.ts';
import { MemoOf, Reads } from '../resource/catalog/reads.ts';
import { DEFAULT_ROOT_NAMESPACE } from '../resource/policies/root-namespace.ts';
import type { Resource, ResourceKey, VirtualServiceResource } from '../resource/resource.ts';
import type { Binding, BoundVirtualService } from './bindings.ts';
import { BoundServices } from './bound-services.ts';
import type { GatewayIdentity } from './build-input.ts';
import { ClusterRequests } from './cluster-requests.ts';
import { buildCluster, type ClusterRequest } from './clusters.ts';
import { type Denial, findDenials } from './denials.ts';
import { buildListeners, type ListenerPlan } from './listeners.ts';
import { type CompiledRules, compileRules } from './routes.ts';
import { buildVirtualHost, type VirtualHostPlan } from './virtual-hosts.ts';

type Buckets = CatalogChange['buckets'];
type HostChanges = ReadonlyMap<string, Change<VirtualHostPlan>>;

/** What a build amounts to after a change. */
export type BuildUpdate = {
  readonly units: SnapshotUnits;
  /** Problems that came, went or were replaced, by the part of the build that found them. */
  readonly problems: readonly Change<readonly Problem[]>[];
};

/**
 * One build after the other for the same appliance. Every unit is computed from the buckets of resources that it looks
 * into, and again only when one of them has changed, so that a change costs what it touches.
 */
export class IncrementalBuild {
  readonly #identity: GatewayIdentity;
  readonly #catalog: Catalog;
  #revision = 0;
  readonly #bound: BoundServices;
  readonly #requests = new ClusterRequests();

  readonly #listenerPlans = new ComputedTable<ListenerPlan>((_all, reads) => this.#computeListeners(reads));
  readonly #denials = new ComputedTable<readonly Denial[]>((_all, reads) => this.#computeDenials(reads));
  readonly #hostPlans = new ComputedTable<VirtualHostPlan>((key, reads) => this.#computeHost(key, reads));
  readonly #rules = new MemoOf<VirtualServiceResource, CompiledRules>();
  readonly #clusterUnits = new ComputedTable<Cluster>((key, reads) => this.#computeCluster(key, reads));

  #tables: UnitTables = tablesOf(NO_UNITS);
  #units: SnapshotUnits = NO_UNITS;

  constructor(identity: GatewayIdentity, catalog: Catalog) {
    this.#identity = identity;
    this.#catalog = catalog;
    this.#bound = new BoundServices(identity.namespace, (key) => virtualServiceOf(catalog.get(key)));
  }

  /**
   * Takes what changed in the catalog. Listeners first, since VirtualServices are bound to their servers; clusters last,
   * since only routes ask for them. What closes hosts is known before any host is built.
   */
  update(change: CatalogChange): BuildUpdate {
    this.#revision = change.revision;
    const listening = this.#updateListeners(change.buckets);
    const bound = this.#bound.update(listening.plan.servers, change);
    const reclosed = this.#updateDenials(change.buckets) ? [...this.#hostPlans.values.keys()] : [];
    const hosts = this.#updateHosts(bound, reclosed, change.buckets);
    const clusters = this.#updateClusters(hosts, change.buckets);
    const { plan, changes: listenerChanges } = listening;
    const isSame = listenerChanges.size === 0;
    const { listeners, certificates } = this.#tables;
    this.#keep({
      listeners: isSame ? listeners : replaced(listeners, plan.listeners),
      virtualHosts: changed(this.#tables.virtualHosts, hosts, ({ virtualHost }) => virtualHost),
      clusters: changed(this.#tables.clusters, clusters, (cluster) => cluster),
      certificates: isSame ? certificates : replaced(certificates, plan.certificates),
    });
    const changes = [...listenerChanges.values(), ...hosts.values()];
    return { units: this.#units, problems: changes.flatMap(problemChange) };
  }

  /** The problems of everything that is built now, by part. */
  *problems(): Generator<readonly Problem[]> {
    for (const { problems } of this.#listenerPlans.values.values()) yield problems;
    for (const { problems } of this.#hostPlans.values.values()) yield problems;
  }

  /** Keys of the clusters that a VirtualService leads to; none if it reaches no listener. */
  clustersOf(key: ResourceKey): ReadonlySet<string> {
    const compiled = this.#bound.of(key).flatMap(({ virtualService, listenerPort }) =>
      // Compiled already, unless nothing of it has changed since.
      virtualService === undefined ? [] : [this.#compileRules(virtualService, listenerPort, new Reads())],
    );
    return new Set(compiled.flatMap(({ clusters }) => clusters.map((cluster) => cluster.key)));
  }

  /** False when a VirtualService, which was compiled before, could come out otherwise now. */
  isFresh(resource: VirtualServiceResource): boolean {
    return this.#rules.isFresh(resource);
  }

  /** True when requests of some listener can reach a VirtualService. */
  isBound(key: ResourceKey): boolean {
    return this.#bound.of(key).length > 0;
  }

  #updateListeners(changed: Buckets): { plan: ListenerPlan; changes: ReadonlyMap<string, Change<ListenerPlan>> } {
    const name = 'all';
    const isFirst = !this.#listenerPlans.values.has(name);
    const changes = this.#listenerPlans.refresh({ wanted: isFirst ? [name] : [], changed });
    const plan = this.#listenerPlans.values.get(name) as ListenerPlan;
    return { plan, changes };
  }

  /** True when something else is closed than before: every host is then looked at again. */
  #updateDenials(changed: Buckets): boolean {
    const wanted = this.#denials.values.has('all') ? [] : ['all'];
    return this.#denials.refresh({ wanted, changed }).size > 0;
  }

  #updateHosts(
    hosts: ReadonlyMap<string, Bucket<Binding>>,
    reclosed: readonly string[],
    changed: Buckets,
  ): HostChanges {
    const dropped = new Set([...hosts].filter(([, { size }]) => size === 0).map(([key]) => key));
    const wanted = [...hosts.keys(), ...reclosed].filter((key) => !dropped.has(key));
    return this.#hostPlans.refresh({ wanted, dropped, changed });
  }

  #updateClusters(hosts: HostChanges, changed: Buckets): ReadonlyMap<string, Change<Cluster>> {
    const requested = this.#requests.update(hosts.values());
    return this.#clusterUnits.refresh({ ...requested, changed });
  }

  /** While nothing has changed, the units are the same object. */
  #keep(tables: UnitTables): void {
    if (UNIT_KINDS.every((kind) => tables[kind] === this.#tables[kind])) return;
    this.#tables = tables;
    this.#units = unitsOf(tables);
  }

  #computeListeners(reads: Reads): ListenerPlan {
    return deepFreeze(buildListeners(this.#identity, this.#catalog.reader(reads)));
  }

  #computeDenials(reads: Reads): readonly Denial[] {
    return deepFreeze(findDenials(this.#identity, this.#catalog.reader(reads)));
  }

  #computeHost(key: string, reads: Reads): VirtualHostPlan {
    const compile = (bound: BoundVirtualService, port: number) => this.#compileRules(bound, port, reads);
    return deepFreeze(buildVirtualHost(key, this.#bound.host(key), this.#denials.values.get('all') ?? [], compile));
  }

  /** A VirtualService with many hosts is compiled once for all that it reaches in the same way. */
  #compileRules(bound: BoundVirtualService, listenerPort: number, outer: Reads): CompiledRules {
    const scope = [listenerPort, bound.ports.join(), bound.gateways.join()].join(' ');
    const {
      namespace: gatewayNamespace,
      labels: gatewayLabels,
      rootNamespace = DEFAULT_ROOT_NAMESPACE,
      endpoints = 'pods',
    } = this.#identity;
    const entry = this.#rules.get(bound.resource, scope, this.#revision, (reads) =>
      compileRules({
        bound,
        listenerPort,
        gatewayNamespace,
        gatewayLabels,
        rootNamespace,
        endpoints,
        catalog: this.#catalog.reader(reads),
      }),
    );
    outer.include(entry.buckets);
    return entry.value;
  }

  #computeCluster(key: string, reads: Reads): Cluster {
    const request = this.#requests.get(key) as ClusterRequest;
    return deepFreeze(buildCluster(request, this.#identity, this.#catalog.reader(reads)));
  }
}

function virtualServiceOf(resource: Resource | undefined): VirtualServiceResource | undefined {
  return resource?.kind === 'VirtualService' ? resource : undefined;
}

function problemChange({ before, after }: Change<{ problems: readonly Problem[] }>): Change<readonly Problem[]>[] {
  const change = { before: before?.problems, after: after?.problems };
  return isDeepStrictEqual(change.before ?? [], change.after ?? []) ? [] : [change];
}

/** A table after changes by key. A unit that comes again with the same content keeps its identity. */
function changed<T, V extends object>(
  table: UnitTable<V>,
  changes: ReadonlyMap<string, Change<T>>,
  unitOf: (value: T) => V,
): UnitTable<V> {
  const set: [string, V][] = [];
  const gone: string[] = [];
  for (const [key, { after }] of changes) {
    if (after === undefined) gone.push(key);
    else if (!isDeepStrictEqual(table.get(key), unitOf(after))) set.push([key, unitOf(after)]);
  }
  return table.with(set, gone);
}

/** A table of exactly these units. */
function replaced<V extends { readonly key: string }>(table: UnitTable<V>, units: readonly V[]): UnitTable<V> {
  const wanted = new Map(units.map((unit) => [unit.key, unit]));
  const gone = table.size === 0 ? [] : Object.keys(table.record).filter((key) => !wanted.has(key));
  return table.with(
    [...wanted].filter(([key, unit]) => !isDeepStrictEqual(table.get(key), unit)),
    gone,
  );
}
