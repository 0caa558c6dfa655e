/**
 * What a worker keeps for one cluster: endpoints with their connections, the picker and the counters. It lives under
 * its key from snapshot to snapshot; routes hold on to it, so that an endpoint change recompiles no route. Until the first
 * request needs it, it sleeps: most of a large cluster's are named by routes that this worker is never asked for.
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

/** What clusters are made of, the same for all of a worker. */
export type ClusterParts = {
  readonly context: UpstreamContext;
  readonly metrics: ProxyMetrics;
  readonly random: () => number;
};

/** A new version of a cluster, ready to be put in place. */
export type StagedCluster = {
  readonly unit: Cluster | string;
  /** Absent while the cluster sleeps. */
  readonly made?: MadeCluster;
};

type MadeCluster = {
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** The nearest first: in this order another is looked for when one has failed. */
  readonly endpoints: readonly EndpointRuntime[];
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
  readonly #parts: ClusterParts;
  /** All that is kept while it sleeps: the unit, or the JSON text of it, which is a fraction of its size. */
  #asleep: Cluster | string | undefined;
  #host: string | undefined;
  #destination: DestinationMetrics | undefined;
  #endpoints: readonly EndpointRuntime[] = [];
  #picker: Picker<EndpointRuntime> | undefined;

  constructor(key: string, parts: ClusterParts) {
    this.key = key;
    this.#parts = parts;
  }

  /** Whether the snapshot has such a cluster. */
  get exists(): boolean {
    return this.#asleep !== undefined || this.#host !== undefined;
  }

  /** Of the service. undefined while the snapshot has no such cluster: nothing else of that is kept. */
  get host(): string | undefined {
    if (this.#asleep !== undefined) this.#wake(this.#asleep);
    return this.#host;
  }

  /** Where its requests are counted; undefined if it never was in a snapshot. */
  get destination(): DestinationMetrics | undefined {
    if (this.#asleep !== undefined) this.#wake(this.#asleep);
    return this.#destination;
  }

  /** Makes ready what `update` puts in place: nothing that requests see. Endpoints that stay keep their connections. */
  stage(unit: Cluster | string): StagedCluster {
    // Counters that people have seen stay in sight: who has some, from an earlier life, does not sleep.
    const isUsed = this.#picker !== undefined || this.#parts.metrics.knows(this.key);
    return isUsed ? { unit, made: this.#make(unit) } : { unit };
  }

  /** Takes over a new version, staged since the last one; undefined: the cluster is gone. */
  update(staged: StagedCluster | undefined): void {
    if (staged === undefined) return this.#end();
    const { unit, made } = staged;
    if (made !== undefined) this.#put(made);
    // A request may have come since it was staged.
    else if (this.#picker !== undefined) this.#put(this.#make(unit));
    else this.#asleep = unit;
  }

  #wake(unit: Cluster | string): void {
    // First: a text that cannot be read costs one request a 500, and is then as if it were not there.
    this.#asleep = undefined;
    this.#put(this.#make(unit));
  }

  #make(unit: Cluster | string): MadeCluster {
    const cluster = typeof unit === 'string' ? (JSON.parse(unit) as Cluster) : unit;
    const { context, metrics, random } = this.#parts;
    const { connectTimeoutMs } = cluster;
    // A host that is the same is the same string: what is replaced all the time is what collecting garbage costs.
    const host = cluster.host === this.#host ? this.#host : cluster.host;
    const known = runtimesByPlace(this.#endpoints);
    const changes: MadeCluster['changes'][number][] = [];
    const inOrder = nearestFirst(cluster);
    const endpoints = inOrder.map((endpoint) => {
      const runtime = known(endpoint);
      if (runtime === undefined) return new EndpointRuntime(context, endpoint, connectTimeoutMs);
      if (runtime.weight !== endpoint.weight || runtime.pool.connectTimeoutMs !== connectTimeoutMs)
        changes.push({ runtime, weight: endpoint.weight });
      return runtime;
    });
    const gone = without(this.#endpoints, endpoints);
    const newPicker = (): Picker<EndpointRuntime> => createNearestPicker(cluster, inOrder, endpoints, random);
    // A picker is made for the weights that endpoints have: those in use change only when it is put in place.
    const picker = changes.length === 0 ? newPicker() : undefined;
    const series = metrics.seriesFor(cluster);
    return { host, connectTimeoutMs, endpoints, changes, gone, series, picker, newPicker };
  }

  #put({ host, connectTimeoutMs, endpoints, changes, gone, series, picker, newPicker }: MadeCluster): void {
    this.#host = host;
    this.#destination = series;
    this.#parts.metrics.adopt(this.key, series);
    for (const { runtime, weight } of changes) {
      runtime.weight = weight;
      runtime.pool.connectTimeoutMs = connectTimeoutMs;
    }
    this.#endpoints = endpoints;
    this.#picker = picker ?? newPicker();
    for (const runtime of gone) runtime.pool.close();
  }

  #end(): void {
    this.#parts.metrics.retire(this.key);
    this.#host = undefined;
    this.#asleep = undefined;
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
    if (this.#asleep !== undefined) this.#wake(this.#asleep);
    const picker = this.#picker;
    if (picker === undefined) return undefined;
    let picked = picker.pick();
    if (tried === undefined || picked === undefined) return picked;
    for (let i = 0; i < BLIND_PICKS && picked !== undefined && tried.includes(picked); i += 1) picked = picker.pick();
    if (picked === undefined || !tried.includes(picked)) return picked;
    return this.#endpoints.find((endpoint) => !tried.includes(endpoint)) ?? picked;
  }
}

/** In so short a list a look at each is quicker than a table, and leaves nothing to collect: under a storm that counts. */
const FEW = 16;

/** Finds an endpoint's connections by its address. */
function runtimesByPlace(
  runtimes: readonly EndpointRuntime[],
): (place: EndpointAddress) => EndpointRuntime | undefined {
  if (runtimes.length <= FEW)
    return ({ address, port }) => runtimes.find(({ pool }) => pool.port === port && pool.address === address);
  const known = new Map(runtimes.map((runtime) => [placeOf(runtime.pool), runtime]));
  return (place) => known.get(placeOf(place));
}

function without(all: readonly EndpointRuntime[], kept: readonly EndpointRuntime[]): readonly EndpointRuntime[] {
  const stays = kept.length <= FEW ? kept : new Set(kept);
  return all.filter((one) => !('has' in stays ? stays.has(one) : stays.includes(one)));
}

function placeOf({ address, port }: EndpointAddress): string {
  return addressPort(address, port);
}
