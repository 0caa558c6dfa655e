import type { Certificate } from '../../snapshot/certificate.ts';
import type { Cluster } from '../../snapshot/cluster.ts';
import { deepFreeze } from '../../snapshot/freeze.ts';
import type { Listener } from '../../snapshot/listener.ts';
import type { VirtualHost } from '../../snapshot/route.ts';
import type { SnapshotUnits } from '../../snapshot/snapshot.ts';
import type { VirtualServiceResource } from '../resource/resource.ts';
import type { BoundVirtualService } from './bindings.ts';
import { BoundServices } from './bound-services.ts';
import type { BuildInput, BuildResult, GatewayIdentity } from './build-input.ts';
import { Catalog } from './catalog.ts';
import { buildCluster, type ClusterRequest } from './clusters.ts';
import { buildListeners, type ListenerPlan } from './listeners.ts';
import { Memo, MemoOf, type Reads } from './memo.ts';
import { ProblemList } from './problem-list.ts';
import { type CompiledRules, compileRules } from './routes.ts';
import { SortedRecord } from './sorted-record.ts';
import { buildVirtualHost, type VirtualHostPlan } from './virtual-hosts.ts';

/**
 * One build after the other for the same appliance. Every unit is computed from the buckets of resources that it looks
 * into, and again only when one of them has changed, so that a change costs what it touches.
 */
export class IncrementalBuild {
  readonly identity: GatewayIdentity;
  #revision = 0;
  readonly #catalog = new Catalog();
  readonly #bound: BoundServices;

  readonly #listenerPlan = new Memo<ListenerPlan>();
  readonly #rules = new MemoOf<VirtualServiceResource, CompiledRules>();
  readonly #hostPlans = new Memo<VirtualHostPlan>();
  readonly #clusterUnits = new Memo<Cluster>();

  readonly #listeners = new SortedRecord<Listener>();
  readonly #virtualHosts = new SortedRecord<VirtualHost>();
  readonly #clusters = new SortedRecord<Cluster>();
  readonly #certificates = new SortedRecord<Certificate>();
  readonly #problems = new ProblemList();

  constructor(identity: GatewayIdentity) {
    this.identity = identity;
    this.#bound = new BoundServices(identity.namespace);
  }

  /** Listeners first, since VirtualServices are bound to their servers; clusters last, since only routes ask for them. */
  run({ resources, files = new Map() }: BuildInput): BuildResult {
    this.#revision++;
    this.#catalog.update(resources, files, this.#revision);
    const listening = this.#planListeners();
    this.#bound.update(this.#catalog.virtualServices.values(), listening.servers, this.#revision);
    const hosts = this.#planVirtualHosts();
    const units: SnapshotUnits = {
      listeners: this.#listeners.update(listening.listeners),
      virtualHosts: this.#virtualHosts.update(hosts.map(({ virtualHost }) => virtualHost)),
      clusters: this.#clusters.update(this.#buildClusters(hosts)),
      certificates: this.#certificates.update(listening.certificates),
    };
    const problems = this.#problems.update([listening.problems, ...hosts.map((host) => host.problems)]);
    return Object.freeze({ units: Object.freeze(units), problems });
  }

  #planListeners(): ListenerPlan {
    const compute = (reads: Reads) => buildListeners(this.identity, this.#catalog.reader(reads));
    return this.#listenerPlan.get('all', this.#revision, (reads) => deepFreeze(compute(reads))).value;
  }

  #planVirtualHosts(): VirtualHostPlan[] {
    const plans: VirtualHostPlan[] = [];
    for (const [key, bucket] of this.#bound.hosts()) {
      const entry = this.#hostPlans.get(key, this.#revision, (reads) =>
        deepFreeze(buildVirtualHost(key, reads.items(bucket), (bound, port) => this.#compile(bound, port, reads))),
      );
      plans.push(entry.value);
    }
    this.#hostPlans.sweep(this.#revision);
    return plans;
  }

  /** A VirtualService with many hosts is compiled once for all that it reaches in the same way. */
  #compile(bound: BoundVirtualService, listenerPort: number, outer: Reads): CompiledRules {
    const scope = [listenerPort, bound.ports.join(), bound.gateways.join()].join(' ');
    const entry = this.#rules.get(bound.resource, scope, this.#revision, (reads) =>
      compileRules({
        bound,
        listenerPort,
        gatewayNamespace: this.identity.namespace,
        catalog: this.#catalog.reader(reads),
      }),
    );
    outer.include(entry);
    return entry.value;
  }

  #buildClusters(hosts: readonly VirtualHostPlan[]): Cluster[] {
    const clusters: Cluster[] = [];
    for (const request of distinctRequests(hosts)) {
      const entry = this.#clusterUnits.get(`${request.key} ${request.namespace}`, this.#revision, (reads) =>
        deepFreeze(buildCluster(request, this.identity, this.#catalog.reader(reads))),
      );
      clusters.push(entry.value);
    }
    this.#clusterUnits.sweep(this.#revision);
    return clusters;
  }
}

/** Each cluster once. If rules of several namespaces ask for a host that nothing answers for, the first by name counts. */
function distinctRequests(hosts: readonly VirtualHostPlan[]): Iterable<ClusterRequest> {
  const requests = new Map<string, ClusterRequest>();
  for (const { clusters } of hosts) {
    for (const request of clusters) {
      const known = requests.get(request.key);
      if (known === undefined || request.namespace < known.namespace) requests.set(request.key, request);
    }
  }
  return requests.values();
}
