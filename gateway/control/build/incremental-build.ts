import type { Certificate } from '../../snapshot/certificate.ts';
import type { Cluster } from '../../snapshot/cluster.ts';
import { deepFreeze } from '../../snapshot/freeze.ts';
import type { Listener } from '../../snapshot/listener.ts';
import type { VirtualHost } from '../../snapshot/route.ts';
import type { VirtualServiceResource } from '../resource/resource.ts';
import type { BoundVirtualService } from './bindings.ts';
import { BoundServices } from './bound-services.ts';
import type { Bucket, Change } from './bucket-index.ts';
import type { BuildInput, BuildResult, GatewayIdentity } from './build-input.ts';
import { Catalog } from './catalog.ts';
import { ClusterRequests } from './cluster-requests.ts';
import { buildCluster, type ClusterRequest } from './clusters.ts';
import { ComputedTable } from './computed-table.ts';
import { buildListeners, type ListenerPlan } from './listeners.ts';
import { MemoOf, type Reads } from './memo.ts';
import { ProblemList } from './problem-list.ts';
import { type CompiledRules, compileRules } from './routes.ts';
import { SortedRecord } from './sorted-record.ts';
import { buildVirtualHost, type VirtualHostPlan } from './virtual-hosts.ts';

type Buckets = readonly Bucket<unknown>[];
type HostChanges = ReadonlyMap<string, Change<VirtualHostPlan>>;

/**
 * One build after the other for the same appliance. Every unit is computed from the buckets of resources that it looks
 * into, and again only when one of them has changed, so that a change costs what it touches.
 */
export class IncrementalBuild {
  readonly identity: GatewayIdentity;
  #revision = 0;
  readonly #catalog = new Catalog();
  readonly #bound: BoundServices;
  readonly #requests = new ClusterRequests();

  readonly #listenerPlans = new ComputedTable<ListenerPlan>((_all, reads) => this.#computeListeners(reads));
  readonly #hostPlans = new ComputedTable<VirtualHostPlan>((key, reads) => this.#computeHost(key, reads));
  readonly #rules = new MemoOf<VirtualServiceResource, CompiledRules>();
  readonly #clusterUnits = new ComputedTable<Cluster>((key, reads) => this.#computeCluster(key, reads));

  readonly #listeners = new SortedRecord<Listener>();
  readonly #virtualHosts = new SortedRecord<VirtualHost>();
  readonly #clusters = new SortedRecord<Cluster>();
  readonly #certificates = new SortedRecord<Certificate>();
  readonly #problems = new ProblemList();

  constructor(identity: GatewayIdentity) {
    this.identity = identity;
    this.#bound = new BoundServices(identity.namespace, (key) => this.#catalog.virtualService(key));
  }

  /** Listeners first, since VirtualServices are bound to their servers; clusters last, since only routes ask for them. */
  run({ resources, files = new Map() }: BuildInput): BuildResult {
    this.#revision++;
    const change = this.#catalog.update(resources, files, this.#revision);
    const listening = this.#updateListeners(change.buckets);
    const hosts = this.#bound.update(listening.servers, change, this.#revision);
    this.#updateClusters(this.#updateHosts(hosts, change.buckets), change.buckets);
    const units = Object.freeze({
      listeners: this.#listeners.current,
      virtualHosts: this.#virtualHosts.current,
      clusters: this.#clusters.current,
      certificates: this.#certificates.current,
    });
    const hostProblems = this.#hostPlans.values.values().map(({ problems }) => problems);
    return Object.freeze({ units, problems: this.#problems.update([listening.problems, ...hostProblems]) });
  }

  #updateListeners(changed: Buckets): ListenerPlan {
    const name = 'all';
    this.#listenerPlans.refresh({ wanted: this.#listenerPlans.values.has(name) ? [] : [name], changed });
    const plan = this.#listenerPlans.values.get(name) as ListenerPlan;
    this.#listeners.replace(plan.listeners);
    this.#certificates.replace(plan.certificates);
    return plan;
  }

  #updateHosts(hosts: ReadonlyMap<string, Bucket<unknown>>, changed: Buckets): HostChanges {
    const names = [...hosts];
    const changes = this.#hostPlans.refresh({
      wanted: names.filter(([, { items }]) => items.length > 0).map(([key]) => key),
      dropped: names.filter(([, { items }]) => items.length === 0).map(([key]) => key),
      changed,
    });
    const { set, gone } = split(changes);
    this.#virtualHosts.change(
      set.map(({ virtualHost }) => virtualHost),
      gone,
    );
    return changes;
  }

  #updateClusters(hosts: HostChanges, changed: Buckets): void {
    const requested = this.#requests.update(hosts.values(), this.#hostPlans.values.values());
    const { set, gone } = split(this.#clusterUnits.refresh({ ...requested, changed }));
    this.#clusters.change(set, gone);
  }
  #computeListeners(reads: Reads): ListenerPlan {
    return deepFreeze(buildListeners(this.identity, this.#catalog.reader(reads)));
  }

  #computeHost(key: string, reads: Reads): VirtualHostPlan {
    const compile = (bound: BoundVirtualService, port: number) => this.#compileRules(bound, port, reads);
    return deepFreeze(buildVirtualHost(key, this.#bound.host(key), compile));
  }

  /** A VirtualService with many hosts is compiled once for all that it reaches in the same way. */
  #compileRules(bound: BoundVirtualService, listenerPort: number, outer: Reads): CompiledRules {
    const scope = [listenerPort, bound.ports.join(), bound.gateways.join()].join(' ');
    const gatewayNamespace = this.identity.namespace;
    const entry = this.#rules.get(bound.resource, scope, this.#revision, (reads) =>
      compileRules({ bound, listenerPort, gatewayNamespace, catalog: this.#catalog.reader(reads) }),
    );
    outer.include(entry.buckets);
    return entry.value;
  }

  #computeCluster(key: string, reads: Reads): Cluster {
    const request = this.#requests.get(key) as ClusterRequest;
    return deepFreeze(buildCluster(request, this.identity, this.#catalog.reader(reads)));
  }
}

function split<T>(changes: ReadonlyMap<string, Change<T>>): { set: T[]; gone: string[] } {
  const set: T[] = [];
  const gone: string[] = [];
  for (const [name, { after }] of changes) {
    if (after === undefined) gone.push(name);
    else set.push(after);
  }
  return { set, gone };
}
