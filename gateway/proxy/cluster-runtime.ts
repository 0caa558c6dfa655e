/**
 * What a worker keeps for one cluster: endpoints with their connections, the picker and the counters. It lives under
 * its key from snapshot to snapshot; routes hold on to it, so that an endpoint change recompiles no route.
 */

import { isIP } from 'node:net';
import type { Cluster, Endpoint } from '../snapshot/cluster.ts';
import type { DestinationMetrics, ProxyMetrics } from '../telemetry/metrics.ts';
import { type BalancedEndpoint, createPicker, type Picker } from './balance/picker.ts';
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

/** A new version of a cluster, ready to be put in place. */
export type StagedCluster = {
  readonly cluster: Cluster;
  readonly endpoints: Map<string, EndpointRuntime>;
  readonly random: () => number;
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
  stage(cluster: Cluster, context: UpstreamContext, random: () => number): StagedCluster {
    const endpoints = new Map<string, EndpointRuntime>();
    for (const endpoint of cluster.endpoints) {
      const name = addressPort(endpoint.address, endpoint.port);
      const known = this.#endpoints.get(name);
      endpoints.set(name, known ?? new EndpointRuntime(context, endpoint, cluster.connectTimeoutMs));
    }
    // Which weights are even is decided at once: they are set when it is put in place.
    return { cluster, endpoints, random };
  }

  /** Takes over a new version (undefined: the cluster is gone), staged since the last one. */
  update(staged: StagedCluster | undefined, metrics: ProxyMetrics): void {
    const previous = this.#endpoints;
    this.cluster = staged?.cluster;
    if (staged === undefined) {
      metrics.retire(this.key);
      this.#endpoints = new Map();
      this.#picker = undefined;
    } else {
      const { cluster, endpoints, random } = staged;
      this.destination = metrics.destination(cluster);
      for (const endpoint of cluster.endpoints) {
        const runtime = endpoints.get(addressPort(endpoint.address, endpoint.port));
        if (runtime === undefined) continue;
        runtime.weight = endpoint.weight;
        runtime.pool.connectTimeoutMs = cluster.connectTimeoutMs;
      }
      this.#endpoints = endpoints;
      this.#picker = createPicker(cluster.balancer, [...endpoints.values()], random);
    }
    for (const [name, gone] of previous) if (!this.#endpoints.has(name)) gone.pool.close();
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
