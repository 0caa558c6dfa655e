/**
 * Counts what one worker serves. A request costs a few typed-array increments: labels are resolved when a
 * destination appears in a snapshot. It never grows without bound, whatever clients and backends send.
 * Called by the request path; read when the role is asked for its statistics.
 */
import type { Cluster } from '../snapshot/cluster.ts';
import { responseFlags } from './response-flags.ts';
import {
  type CounterName,
  counterNames,
  type GaugeName,
  type HistogramData,
  type ProxyReadings,
  type RequestSeries,
} from './statistics.ts';

/** Envoy's default buckets, which Istio uses for milliseconds and bytes alike. */
const BOUNDS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;
const bounds = Float64Array.from(BOUNDS);
const BUCKETS = BOUNDS.length + 1;

/** Layout of a series' cells. */
const COUNT = 0;
const DURATION_SUM = 1;
const REQUEST_SUM = 2;
const RESPONSE_SUM = 3;
const DURATION = 4;
const REQUEST = DURATION + BUCKETS;
const RESPONSE = REQUEST + BUCKETS;
const CELLS = RESPONSE + BUCKETS;

/** A backend that answers with ever new status codes gets this many series, then one named `other`. */
const SERIES_PER_DESTINATION = 64;
const OTHER = -1;

/** Destinations that left the configuration keep their series (counters should not vanish at once), up to this many. */
const RETIRED_KEPT = 512;

/** The series of one destination; handed out by {@link ProxyMetrics.destination} and kept in the snapshot's compiled form. */
export class DestinationMetrics {
  readonly labels: Readonly<Record<string, string>>;
  readonly #series = new Map<number, Float64Array>();
  #lastKey = OTHER;
  #last: Float64Array | undefined;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }

  /** Counts one finished request. `flag` is an index of {@link responseFlags}. */
  record(status: number, flag: number, durationMs: number, requestBytes: number, responseBytes: number): void {
    const key = status * 32 + flag;
    const cells = key === this.#lastKey && this.#last !== undefined ? this.#last : this.#find(key);
    cells[COUNT]! += 1;
    cells[DURATION_SUM]! += durationMs;
    cells[REQUEST_SUM]! += requestBytes;
    cells[RESPONSE_SUM]! += responseBytes;
    cells[DURATION + bucketOf(durationMs)]! += 1;
    cells[REQUEST + bucketOf(requestBytes)]! += 1;
    cells[RESPONSE + bucketOf(responseBytes)]! += 1;
  }

  #find(key: number): Float64Array {
    let cells = this.#series.get(key);
    if (cells === undefined) {
      const bounded = this.#series.size < SERIES_PER_DESTINATION ? key : OTHER;
      cells = this.#series.get(bounded) ?? new Float64Array(CELLS);
      this.#series.set(bounded, cells);
    }
    this.#lastKey = key;
    this.#last = cells;
    return cells;
  }

  /** The series that have counted anything. */
  export(): RequestSeries[] {
    return [...this.#series].map(([key, cells]) => ({
      labels: {
        ...this.labels,
        response_code: key === OTHER ? 'other' : String(key >> 5),
        response_flags: key === OTHER ? 'other' : (responseFlags[key & 31] ?? 'other'),
      },
      requests: cells[COUNT]!,
      durationMs: histogram(cells, DURATION_SUM, DURATION),
      requestBytes: histogram(cells, REQUEST_SUM, REQUEST),
      responseBytes: histogram(cells, RESPONSE_SUM, RESPONSE),
    }));
  }
}

function bucketOf(value: number): number {
  let index = 0;
  while (index < bounds.length && value > bounds[index]!) index += 1;
  return index;
}

function histogram(cells: Float64Array, sum: number, first: number): HistogramData {
  return { sum: cells[sum]!, counts: Array.from(cells.subarray(first, first + BUCKETS)) };
}

/** All metrics of one worker. */
export class ProxyMetrics {
  /** Plain counters; the owner of the fact increments its own. */
  readonly counters = Object.fromEntries(counterNames.map((name) => [name, 0])) as Record<CounterName, number>;
  /** Where requests without a destination (unknown host, no route, bad request) are counted. */
  readonly unknownDestination = new DestinationMetrics(destinationLabels(undefined));
  readonly #commonLabels: Readonly<Record<string, string>>;
  readonly #live = new Map<string, DestinationMetrics>();
  readonly #retired = new Map<string, DestinationMetrics>();

  constructor(options: { namespace: string }) {
    this.#commonLabels = sourceLabels(options.namespace);
  }

  /** The series of a cluster, created or revived; the same object as long as its labels do not change. */
  destination(cluster: Cluster): DestinationMetrics {
    const found = this.seriesFor(cluster);
    this.adopt(cluster.key, found);
    return found;
  }

  /** The same without showing it yet: for a version that is being made ready. */
  seriesFor(cluster: Cluster): DestinationMetrics {
    const known = this.#live.get(cluster.key) ?? this.#retired.get(cluster.key);
    return known !== undefined && isLabelled(known.labels, cluster)
      ? known
      : new DestinationMetrics(destinationLabels(cluster));
  }

  /** Whether a cluster of this key has series that people can see, or saw not long ago. */
  knows(clusterKey: string): boolean {
    return this.#live.has(clusterKey) || this.#retired.has(clusterKey);
  }

  /** Shows series that were made ready. */
  adopt(clusterKey: string, series: DestinationMetrics): void {
    this.#retired.delete(clusterKey);
    this.#live.set(clusterKey, series);
  }

  /** The cluster left the configuration. Its counters stay visible until many others have left after it. */
  retire(clusterKey: string): void {
    const found = this.#live.get(clusterKey);
    if (found === undefined) return;
    this.#live.delete(clusterKey);
    this.#retired.set(clusterKey, found);
    for (const oldest of this.#retired.keys()) {
      if (this.#retired.size <= RETIRED_KEPT) break;
      this.#retired.delete(oldest);
    }
  }

  /** Everything counted so far; each series is read when its turn comes. */
  readings(gauges: Readonly<Record<GaugeName, number>>): ProxyReadings {
    return {
      commonLabels: this.#commonLabels,
      durationBoundsMs: BOUNDS,
      sizeBoundsBytes: BOUNDS,
      requests: seriesOf([...this.#live.values(), ...this.#retired.values(), this.unknownDestination]),
      counters: { ...this.counters },
      gauges,
    };
  }
}

function* seriesOf(destinations: readonly DestinationMetrics[]): Generator<RequestSeries> {
  for (const destination of destinations) yield* destination.export();
}

/** Istio's labels for the side that reports: the ingress gateway itself. */
function sourceLabels(namespace: string): Record<string, string> {
  return {
    reporter: 'source',
    source_workload: 'istio-ingressgateway',
    source_workload_namespace: namespace,
    source_canonical_service: 'istio-ingressgateway',
    source_canonical_revision: 'latest',
    source_app: 'istio-ingressgateway',
    source_version: 'unknown',
    source_principal: 'unknown',
    source_cluster: 'unknown',
    request_protocol: 'http',
    grpc_response_status: '',
    connection_security_policy: 'unknown',
  };
}

/**
 * Istio's labels for the destination. The workload behind an endpoint is not known at the edge; the subset is
 * what tells the arms of a canary apart, so it stands where Istio puts the pods' `version`.
 */
function destinationLabels(cluster: Cluster | undefined): Record<string, string> {
  return {
    destination_service: cluster?.host ?? 'unknown',
    destination_service_name: cluster?.serviceName ?? 'unknown',
    destination_service_namespace: cluster?.namespace ?? 'unknown',
    destination_version: cluster?.subset ?? 'unknown',
    destination_canonical_service: cluster?.serviceName ?? 'unknown',
    destination_canonical_revision: cluster?.subset ?? 'latest',
    destination_workload: 'unknown',
    destination_workload_namespace: cluster?.namespace ?? 'unknown',
    destination_app: cluster?.serviceName ?? 'unknown',
    destination_principal: 'unknown',
    destination_cluster: 'unknown',
    destination_port: cluster === undefined ? '' : String(cluster.port),
  };
}

/** Whether these are the {@link destinationLabels} of a cluster; what is not compared follows from what is. */
function isLabelled(labels: Readonly<Record<string, string>>, cluster: Cluster): boolean {
  return (
    labels['destination_service'] === cluster.host &&
    labels['destination_service_name'] === cluster.serviceName &&
    labels['destination_service_namespace'] === cluster.namespace &&
    labels['destination_canonical_revision'] === (cluster.subset ?? 'latest') &&
    labels['destination_port'] === String(cluster.port)
  );
}
