/**
 * What a worker keeps for one cluster: endpoints with their connections, the picker and the counters. It lives under
 * its key from snapshot to snapshot; routes hold on to it, so that an endpoint change recompiles no route.
 */

import type { Cluster, Endpoint } from '../snapshot/cluster.ts';
import type { DestinationMetrics, ProxyMetrics } from '../telemetry/metrics.ts';
import { createNearestPicker, nearestFirst } from './balance/nearest.ts';
import type { BalancedEndpoint, Picker } from './balance/picker.ts';
import { addressPort } from './filter/client-address.ts';
import { type EndpointAddress, EndpointPool } from './upstream/endpoint-pool.ts';
import type { UpstreamContext } from './upstream/upstream-context.ts';

/** One endpoint with its connections. It lives as long as its address is in the cluster; its weight may change meanwhile. */
export class EndpointRuntime implements BalancedEndpoint {
  readonly pool: EndpointPool;
  weight: number;
  active = 0;
  #label: string | undefined;

  constructor(context: UpstreamContext, endpoint: Endpoint, connectTimeoutMs: number) {
    this.pool = new EndpointPool(context, endpoint, connectTimeoutMs);
    this.weight = endpoint.weight;
  }

  /** `address:port`; made when it is first asked for: most of many thousand endpoints never are. */
  get label(): string {
    this.#label ??= addressPort(this.pool.address, this.pool.port);
    return this.#label;
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
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** The nearest first: in this order another is looked for when one has failed. */
  readonly endpoints: readonly EndpointRuntime[];
  /** Endpoints that stay, and are to have another weight or time. */
  readonly changes: readonly { readonly runtime: EndpointRuntime; readonly weight: number }[];
  readonly gone: ReadonlySet<EndpointRuntime>;
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
  /** Of the service. undefined while the snapshot has no such cluster: nothing else of that is kept. */
  host: string | undefined;
  destination: DestinationMetrics | undefined;
  #endpoints: readonly EndpointRuntime[] = [];
  #picker: Picker<EndpointRuntime> | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Makes ready what `update` puts in place: nothing that requests see. Endpoints that stay keep their connections. */
  stage(cluster: Cluster, { context, metrics, random }: StageParts): StagedCluster {
    const { connectTimeoutMs } = cluster;
    // A host that is the same is the same string: what is replaced all the time is what collecting garbage costs.
    const host = cluster.host === this.host ? this.host : cluster.host;
    const known = new Map(this.#endpoints.map((runtime) => [placeOf(runtime.pool), runtime]));
    const gone = new Set(this.#endpoints);
    const changes: StagedCluster['changes'][number][] = [];
    const inOrder = nearestFirst(cluster);
    const endpoints = inOrder.map((endpoint) => {
      const runtime = known.get(placeOf(endpoint));
      if (runtime === undefined) return new EndpointRuntime(context, endpoint, connectTimeoutMs);
      gone.delete(runtime);
      if (runtime.weight !== endpoint.weight || runtime.pool.connectTimeoutMs !== connectTimeoutMs)
        changes.push({ runtime, weight: endpoint.weight });
      return runtime;
    });
    const newPicker = (): Picker<EndpointRuntime> => createNearestPicker(cluster, inOrder, endpoints, random);
    // A picker is made for the weights that endpoints have: those in use change only when it is put in place.
    const picker = changes.length === 0 ? newPicker() : undefined;
    const series = metrics.seriesFor(cluster);
    return { host, connectTimeoutMs, endpoints, changes, gone, series, picker, newPicker };
  }

  /** Takes over a new version, staged since the last one; undefined: the cluster is gone. */
  update(staged: StagedCluster | undefined, metrics: ProxyMetrics): void {
    if (staged === undefined) return this.#end(metrics);
    const { host, connectTimeoutMs, endpoints, changes, gone, series, picker, newPicker } = staged;
    this.host = host;
    this.destination = series;
    metrics.adopt(this.key, series);
    for (const { runtime, weight } of changes) {
      runtime.weight = weight;
      runtime.pool.connectTimeoutMs = connectTimeoutMs;
    }
    this.#endpoints = endpoints;
    this.#picker = picker ?? newPicker();
    for (const runtime of gone) runtime.pool.close();
  }

  #end(metrics: ProxyMetrics): void {
    metrics.retire(this.key);
    this.host = undefined;
    this.#picker = undefined;
    this.close();
    this.#endpoints = [];
  }

  /** The worker ends: idle connections go. */
  close(): void {
    for (const endpoint of this.#endpoints) endpoint.pool.close();
  }

  /** An endpoint for a request; one that is not in `tried` if there is any. */
  pick(tried: readonly EndpointRuntime[] | undefined): EndpointRuntime | undefined {
    const picker = this.#picker;
    if (picker === undefined) return undefined;
    let picked = picker.pick();
    if (tried === undefined || picked === undefined) return picked;
    for (let i = 0; i < BLIND_PICKS && picked !== undefined && tried.includes(picked); i += 1) picked = picker.pick();
    if (picked === undefined || !tried.includes(picked)) return picked;
    return this.#endpoints.find((endpoint) => !tried.includes(endpoint)) ?? picked;
  }
}

function placeOf({ address, port }: EndpointAddress): string {
  return addressPort(address, port);
}
