/**
 * What a worker keeps for one cluster: endpoints with their connections, the picker and the counters. It lives under
 * its key from snapshot to snapshot; routes hold on to it, so that an endpoint change recompiles no route.
 */

import { isIP } from 'node:net';
import type { Cluster, Endpoint } from '../snapshot/cluster.ts';
import type { DestinationMetrics, ProxyMetrics } from '../telemetry/metrics.ts';
import { createNearestPicker, nearestFirst } from './balance/nearest.ts';
import type { BalancedEndpoint, Picker } from './balance/picker.ts';
import { addressPort } from './filter/client-address.ts';
import type { DestinationGuard } from './upstream/destination-guard.ts';
import { EndpointPool } from './upstream/endpoint-pool.ts';
import type { UpstreamContext } from './upstream/upstream-context.ts';

/** One endpoint with its connections. Replaced when its weight changes; its pool goes on. */
export class EndpointRuntime implements BalancedEndpoint {
  readonly pool: EndpointPool;
  /** `address:port`. */
  readonly label: string;
  weight: number;
  active = 0;
  readonly #guard: DestinationGuard;
  readonly #endpoint: Endpoint;

  constructor(context: UpstreamContext, endpoint: Endpoint, connectTimeoutMs: number) {
    this.pool = new EndpointPool(context, endpoint, connectTimeoutMs);
    this.label = addressPort(endpoint.address, endpoint.port);
    this.weight = endpoint.weight;
    this.#guard = context.guard;
    this.#endpoint = endpoint;
  }

  /**
   * Why no connection may be opened to it, for IP endpoints; names are checked when they are resolved. Asked for each
   * connection anew, since this node's addresses change (VRRP).
   */
  get refusal(): string | undefined {
    const { address, port } = this.#endpoint;
    return isIP(address) === 0 ? undefined : this.#guard.refusal(address, port);
  }
}

/** What a new version is made ready with. */
export type StageParts = {
  readonly context: UpstreamContext;
  readonly metrics: ProxyMetrics;
  readonly random: () => number;
};

/** A new version of a cluster, ready to be put in place. */
export type StagedCluster = {
  readonly cluster: Cluster;
  /** The nearest first: in this order another is looked for when one has failed. */
  readonly endpoints: Map<string, EndpointRuntime>;
  /** Endpoints that stay, and are to have another weight or time. */
  readonly changes: readonly { readonly runtime: EndpointRuntime; readonly weight: number }[];
  readonly gone: readonly EndpointRuntime[];
  readonly series: DestinationMetrics;
  /** Absent where it can only be made when the weights are set. */
  readonly picker: Picker<EndpointRuntime> | undefined;
  readonly newPicker: () => Picker<EndpointRuntime>;
};

/** How often a pick may fall on an endpoint that was tried before another is searched for in order. */
const BLIND_PICKS = 3;

export class ClusterRuntime {
  readonly key: string;
  /** Requests in flight. */
  active = 0;
  /** Compiled routes that name it. */
  references = 0;
  /** undefined while the snapshot has no such cluster. */
  cluster: Cluster | undefined;
  destination: DestinationMetrics | undefined;
  #endpoints = new Map<string, EndpointRuntime>();
  #picker: Picker<EndpointRuntime> | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Makes ready what `update` puts in place: nothing that requests see. Endpoints that stay keep their connections. */
  stage(cluster: Cluster, { context, metrics, random }: StageParts): StagedCluster {
    const { connectTimeoutMs } = cluster;
    const changes: StagedCluster['changes'][number][] = [];
    const inOrder = nearestFirst(cluster);
    const runtimes = inOrder.map((endpoint) => {
      const known = this.#endpoints.get(addressPort(endpoint.address, endpoint.port));
      if (known !== undefined && (known.weight !== endpoint.weight || known.pool.connectTimeoutMs !== connectTimeoutMs))
        changes.push({ runtime: known, weight: endpoint.weight });
      return known ?? new EndpointRuntime(context, endpoint, connectTimeoutMs);
    });
    const endpoints = new Map(runtimes.map((runtime) => [runtime.label, runtime]));
    const gone = [...this.#endpoints].flatMap(([name, runtime]) => (endpoints.has(name) ? [] : [runtime]));
    const newPicker = (): Picker<EndpointRuntime> => createNearestPicker(cluster, inOrder, runtimes, random);
    // A picker is made for the weights that endpoints have: those in use change only when it is put in place.
    const picker = changes.length === 0 ? newPicker() : undefined;
    return { cluster, endpoints, changes, gone, series: metrics.seriesFor(cluster), picker, newPicker };
  }

  /** Takes over a new version, staged since the last one; undefined: the cluster is gone. */
  update(staged: StagedCluster | undefined, metrics: ProxyMetrics): void {
    if (staged === undefined) return this.#end(metrics);
    const { cluster, endpoints, changes, gone, series, picker, newPicker } = staged;
    this.cluster = cluster;
    this.destination = series;
    metrics.adopt(this.key, series);
    for (const { runtime, weight } of changes) {
      runtime.weight = weight;
      runtime.pool.connectTimeoutMs = cluster.connectTimeoutMs;
    }
    this.#endpoints = endpoints;
    this.#picker = picker ?? newPicker();
    for (const runtime of gone) runtime.pool.close();
  }

  #end(metrics: ProxyMetrics): void {
    metrics.retire(this.key);
    this.cluster = undefined;
    this.#picker = undefined;
    this.close();
    this.#endpoints = new Map();
  }

  /** The worker ends: idle connections go. */
  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.pool.close();
  }

  /** An endpoint for a request; one that is not in `tried` if there is any. */
  pick(tried: readonly EndpointRuntime[] | undefined): EndpointRuntime | undefined {
    const picker = this.#picker;
    if (picker === undefined) return undefined;
    let picked = picker.pick();
    if (tried === undefined || picked === undefined) return picked;
    for (let i = 0; i < BLIND_PICKS && picked !== undefined && tried.includes(picked); i += 1) picked = picker.pick();
    if (picked === undefined || !tried.includes(picked)) return picked;
    return this.#endpoints.values().find((endpoint) => !tried.includes(endpoint)) ?? picked;
  }
}
